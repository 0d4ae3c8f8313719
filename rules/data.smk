rule render_videos:
    output:
        directory("results/{study}/{experiment}/data/videos"),
    log:
        "results/{study}/{experiment}/logs/render_videos.log",
    conda:
        "../envs/runtime.yaml"
    params:
        data=part("data.name", "data.train_per_class", "data.test_per_class"),
        seed=STUDY["seed"],
    message:
        "{wildcards.experiment}: render and encode the videos"
    script:
        "../workflow/scripts/render_videos.py"


rule index_videos:
    input:
        root=video_root,
        index=lambda wc: settings(wc)["data"]["index"] or [],
        annotations=lambda wc: settings(wc)["data"]["annotations"] or [],
    output:
        index="results/{study}/{experiment}/data/index.tsv",
        missing="results/{study}/{experiment}/data/missing.tsv",
    log:
        "results/{study}/{experiment}/logs/index_videos.log",
    conda:
        "../envs/runtime.yaml"
    params:
        data=listing,
        videos=fingerprint,
    message:
        "{wildcards.experiment}: index the videos"
    script:
        "../workflow/scripts/index_videos.py"


rule audit_videos:
    input:
        index="results/{study}/{experiment}/data/index.tsv",
        root=video_root,
    output:
        table="results/{study}/{experiment}/data/audit.tsv",
        report="results/{study}/{experiment}/data/audit.md",
    log:
        "results/{study}/{experiment}/logs/audit_videos.log",
    conda:
        "../envs/runtime.yaml"
    threads: 64
    resources:
        cpus_per_task=videos_cpus,
        mem_mb=videos_memory,
        runtime=videos_minutes("audit"),
    params:
        timeout_seconds=lambda wc: settings(wc)["data"]["timeout_seconds"],
        decoder=lambda wc: settings(wc)["data"]["decoder"],
        videos=fingerprint,
    message:
        "{wildcards.experiment}: audit every video"
    script:
        "../workflow/scripts/audit_videos.py"


rule split_videos:
    input:
        "results/{study}/{experiment}/data/audit.tsv",
    output:
        "results/{study}/{experiment}/data/split.tsv",
    log:
        "results/{study}/{experiment}/logs/split_videos.log",
    conda:
        "../envs/runtime.yaml"
    params:
        data=part(
            "data.max_bad_fraction",
            "data.test_fraction",
            "data.validation_fraction",
        ),
        seed=STUDY["seed"],
    message:
        "{wildcards.experiment}: split into training, validation and test videos"
    script:
        "../workflow/scripts/split_videos.py"


rule prepare_videos:
    input:
        split="results/{study}/{experiment}/data/split.tsv",
        root=video_root,
    output:
        "results/{study}/{experiment}/data/prepared.tsv",
    log:
        "results/{study}/{experiment}/logs/prepare_videos.log",
    conda:
        "../envs/runtime.yaml"
    threads: 64
    resources:
        cpus_per_task=videos_cpus,
        mem_mb=videos_memory,
        runtime=videos_minutes("prepare"),
    params:
        short_side=lambda wc: settings(wc)["data"]["prepare"],
        timeout_seconds=lambda wc: settings(wc)["data"]["timeout_seconds"],
        decoder=lambda wc: settings(wc)["data"]["decoder"],
        videos=fingerprint,
    message:
        "{wildcards.experiment}: re-encode the videos for quick access"
    script:
        "../workflow/scripts/prepare_videos.py"


# The flow of each video is a file of its own in data/flow/, which is not declared: Snakemake would
# delete what an interrupted job has finished.
rule extract_flow:
    input:
        split=rgb_table,
        root=clip_files,
    output:
        "results/{study}/{experiment}/data/flow.tsv",
    log:
        "results/{study}/{experiment}/logs/extract_flow.log",
    conda:
        "../envs/runtime.yaml"
    threads: 64
    resources:
        cpus_per_task=videos_cpus,
        mem_mb=videos_memory,
        runtime=videos_minutes(),
    params:
        flow=lambda wc: study.flow_settings(settings(wc)),
    message:
        "{wildcards.experiment}: compute the optical flow"
    script:
        "../workflow/scripts/extract_flow.py"


rule decode_videos:
    input:
        split=split_file,
        root=clip_files,
    output:
        "results/{study}/{experiment}/data/frames.npy",
    log:
        "results/{study}/{experiment}/logs/decode_videos.log",
    conda:
        "../envs/runtime.yaml"
    params:
        modality=lambda wc: settings(wc)["modality"],
    message:
        "{wildcards.experiment}: decode the videos into one file"
    script:
        "../workflow/scripts/decode_videos.py"
