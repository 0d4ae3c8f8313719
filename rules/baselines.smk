# Hand-tuned strategies (Sec. 5.3) as a tree: stages that begin alike are trained once, on the whole
# original training set. A stage leaves weights/<epochs>.pt wherever a strategy goes its own way.
rule train_shared_stage:
    input:
        weights=shared_stage_weights,
        split=split_file,
        videos=video_files,
    output:
        weights=directory(
            "results/{study}/{experiment}/seed-{seed}/strategies/{stage}/weights"
        ),
        curve="results/{study}/{experiment}/seed-{seed}/strategies/{stage}/curve.jsonl",
        cost="results/{study}/{experiment}/seed-{seed}/strategies/{stage}/cost.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{stage}.log",
    conda:
        "../envs/runtime.yaml"
    threads: job_threads
    resources:
        cpus_per_task=job_threads,
        gpu=job_gpus,
        mem_mb=job_memory,
        runtime=training_minutes,
    params:
        settings=part(*READ_STAGE),
        ends=stage_ends,
    message:
        "{wildcards.experiment}: hand-tuned stage {wildcards.stage}"
    script:
        "../workflow/scripts/train_shared_stage.py"


# One stage of the planned path, or of a variant of it, on the whole original training set.
rule train_planned_stage:
    input:
        unpack(planned_stage_inputs),
        split=split_file,
        videos=video_files,
    output:
        weights="results/{study}/{experiment}/seed-{seed}/strategies/{followed}/{number}/weights.pt",
        curve="results/{study}/{experiment}/seed-{seed}/strategies/{followed}/{number}/curve.jsonl",
        cost="results/{study}/{experiment}/seed-{seed}/strategies/{followed}/{number}/cost.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{followed}-{number}.log",
    conda:
        "../envs/runtime.yaml"
    threads: job_threads
    resources:
        cpus_per_task=job_threads,
        gpu=job_gpus,
        mem_mb=job_memory,
        runtime=training_minutes,
    params:
        settings=part(*READ_STAGE),
        to_loss=retrained_to_loss,
    message:
        "{wildcards.experiment}: {wildcards.followed}, stage {wildcards.number}"
    script:
        "../workflow/scripts/train_planned_stage.py"
