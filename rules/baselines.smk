# One stage of a strategy on the whole original training set: of a hand-tuned one, or of the plan.
rule train_stage:
    input:
        unpack(stage_inputs),
        split=split_file,
        videos=video_files,
    output:
        weights="results/{study}/{experiment}/seed-{seed}/strategies/{strategy}/{number}/weights.pt",
        curve="results/{study}/{experiment}/seed-{seed}/strategies/{strategy}/{number}/curve.jsonl",
        cost="results/{study}/{experiment}/seed-{seed}/strategies/{strategy}/{number}/cost.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{strategy}-{number}.log",
    conda:
        "../envs/runtime.yaml"
    threads: job_threads
    resources:
        cpus_per_task=job_threads,
        gpu=job_gpus,
        mem_mb=job_memory,
        runtime=training_minutes,
    params:
        settings=part("data", "network", "states", "training", "video"),
    message:
        "{wildcards.experiment}: {wildcards.strategy}, stage {wildcards.number}"
    script:
        "../workflow/scripts/train_stage.py"
