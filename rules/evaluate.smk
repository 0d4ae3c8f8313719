rule evaluate:
    input:
        weights=strategy_weights,
        split=split_file,
        videos=video_files,
        plan=followed_plan,
    output:
        scores="results/{study}/{experiment}/seed-{seed}/evaluation/{strategy}/scores.npz",
        metrics="results/{study}/{experiment}/seed-{seed}/evaluation/{strategy}/metrics.json",
    log:
        "results/{study}/{experiment}/seed-{seed}/logs/evaluate-{strategy}.log",
    conda:
        "../envs/runtime.yaml"
    threads: job_threads
    resources:
        cpus_per_task=job_threads,
        gpu=job_gpus,
        mem_mb=job_memory,
        runtime=evaluation_minutes,
    params:
        settings=part(
            *READ_DATA,
            "modality",
            "network",
            "states",
            "training.micro_batch",
            "video.evaluation_clips",
            "video.evaluation_crop",
            "video.evaluation_crops",
            "video.evaluation_short_side",
            "video.planning_clip",
        ),
    message:
        "{wildcards.experiment}: evaluate {wildcards.strategy} on the test videos"
    script:
        "../workflow/scripts/evaluate.py"


# Table 7: the planned paths of two modalities as one.
rule fuse_scores:
    input:
        fused_scores,
    output:
        "results/{study}/fusion/{fusion}.json",
    log:
        "results/{study}/logs/fuse-{fusion}.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "{wildcards.fusion}: average the scores of both experiments"
    script:
        "../workflow/scripts/fuse_scores.py"
