# Sec. 5.4: paths with a state more or a state less than the plan's, their epochs determined anew.
rule train_variant:
    input:
        unpack(variant_inputs),
        split=split_file,
        videos=video_files,
    output:
        curve="results/{study}/{experiment}/seed-{seed}/variants/{variant}/{number}/curve.jsonl",
        knee="results/{study}/{experiment}/seed-{seed}/variants/{variant}/{number}/knee.json",
        weights="results/{study}/{experiment}/seed-{seed}/variants/{variant}/{number}/weights.pt",
        cost="results/{study}/{experiment}/seed-{seed}/variants/{variant}/{number}/cost.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{variant}-{number}-knee.log",
    conda:
        "../envs/runtime.yaml"
    threads: job_threads
    resources:
        cpus_per_task=job_threads,
        gpu=job_gpus,
        mem_mb=job_memory,
        runtime=training_minutes,
    params:
        settings=part(*READ_STAGE, *READ_KNEE, "variants"),
    message:
        "{wildcards.experiment}: find the epochs of {wildcards.variant}, stage {wildcards.number}"
    script:
        "../workflow/scripts/train_variant.py"


rule plan_variant:
    input:
        knees=variant_knees,
        plan=plan_file,
    output:
        "results/{study}/{experiment}/seed-{seed}/variants/{variant}/plan.yaml",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{variant}-plan.log",
    conda:
        "../envs/runtime.yaml"
    params:
        settings=part("states", "training"),
    message:
        "{wildcards.experiment}: plan of {wildcards.variant}"
    script:
        "../workflow/scripts/plan_variant.py"


rule compare_variants:
    input:
        variant_metrics,
    output:
        csv=report(
            "results/{study}/tables/{experiment}-variants.csv",
            category="Tables",
            caption="../workflow/report/variants.rst",
            labels={"table": "variants of the path of {experiment}"},
        ),
        md="results/{study}/tables/{experiment}-variants.md",
    log:
        "results/{study}/{experiment}/logs/compare_variants.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "{wildcards.experiment}: compare the plan with its variants"
    script:
        "../workflow/scripts/compare_variants.py"
