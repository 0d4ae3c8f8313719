rule initialise:
    input:
        split=split_file,
        weights=initial_weights,
    output:
        "results/{study}/{experiment}/seed-{seed}/initial.pt",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/initialise.log",
    conda:
        "../envs/runtime.yaml"
    params:
        settings=part(
            *READ_DATA,
            "modality",
            "network",
            "states.clip_lengths",
            "video.crop",
            "weights_of",
        ),
    message:
        "{wildcards.experiment}: initial weights"
    script:
        "../workflow/scripts/initialise.py"


rule train_transition:
    input:
        unpack(transition_inputs),
        split=split_file,
        videos=video_files,
    output:
        curve="results/{study}/{experiment}/seed-{seed}/transitions/{source}--{target}/curve.jsonl",
        knee="results/{study}/{experiment}/seed-{seed}/transitions/{source}--{target}/knee.json",
        weights="results/{study}/{experiment}/seed-{seed}/transitions/{source}--{target}/weights.pt",
        cost="results/{study}/{experiment}/seed-{seed}/transitions/{source}--{target}/cost.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{source}--{target}.log",
    conda:
        "../envs/runtime.yaml"
    threads: job_threads
    resources:
        cpus_per_task=job_threads,
        gpu=job_gpus,
        mem_mb=job_memory,
        runtime=training_minutes,
    params:
        settings=part(*READ_STAGE, *READ_KNEE),
    message:
        "{wildcards.experiment}: train {wildcards.source} -> {wildcards.target}"
    script:
        "../workflow/scripts/train_transition.py"


checkpoint select_parent:
    input:
        unpack(candidates),
    output:
        "results/{study}/{experiment}/seed-{seed}/states/{state}.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/{state}.log",
    conda:
        "../envs/runtime.yaml"
    params:
        settings=part("states", "knee.score", "planning.bound", "planning.race"),
    message:
        "{wildcards.experiment}: choose the parent of {wildcards.state}"
    script:
        "../workflow/scripts/select_parent.py"


# All states are named here, reachable from the start: a checkpoint that only turned up while the
# workflow runs would not be seen when an interrupted run is continued.
checkpoint plan:
    input:
        records=lambda wc: [
            f"{study.run_folder(wc)}/states/{state.name}.json"
            for state in study.graph(settings(wc)).states
        ],
        starts=start_knees,
        split=split_file,
    output:
        "results/{study}/{experiment}/seed-{seed}/plan.yaml",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/plan.log",
    conda:
        "../envs/runtime.yaml"
    params:
        settings=part(
            "data.validation_videos", "knee.metric", "network", "states", "training"
        ),
    message:
        "{wildcards.experiment}: plan"
    script:
        "../workflow/scripts/plan.py"
