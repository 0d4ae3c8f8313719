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
        settings=part("data", "network", "states", "video", "training"),
    message:
        "{wildcards.experiment}: evaluate {wildcards.strategy} on the test videos"
    script:
        "../workflow/scripts/evaluate.py"
