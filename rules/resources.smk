# What jobs ask for: CPUs, GPUs, memory and minutes.

from optplan import resources


def job_threads(wildcards):
    """CPU threads of a job that trains: those of its processes and of their decoders."""
    return resources.cpus(settings(wildcards))


def job_gpus(wildcards):
    """GPUs that such a job asks a cluster for; no more than `--resources gpu=` allows."""
    return settings(wildcards)["compute"]["processes"]


def job_memory(wildcards, attempt):
    return resources.memory_mb(settings(wildcards), gpus=GPUS, attempt=attempt)


def training_minutes(wildcards, attempt):
    return resources.training_minutes(
        settings(wildcards),
        study.run_folder(wildcards),
        wildcards.get("target"),
        gpus=GPUS,
        attempt=attempt,
    )


def evaluation_minutes(wildcards, attempt):
    run = study.run_folder(wildcards)
    return resources.evaluation_minutes(
        settings(wildcards), run, gpus=GPUS, attempt=attempt
    )


def videos_cpus(wildcards, threads):
    """CPUs of a job that reads all videos: `max-threads` of slurm/config.yaml, here all cores."""
    return workflow.resource_settings.max_threads or threads


def videos_memory(wildcards, threads, attempt):
    workers = videos_cpus(wildcards, threads)
    return resources.videos_memory_mb(workers, attempt=attempt)


def videos_minutes(work=None):
    """A resources function: time for the audit, for preparing videos or for their flow."""
    return lambda wildcards, threads, attempt: resources.videos_minutes(
        settings(wildcards),
        f"results/{wildcards.study}/{wildcards.experiment}",
        work or settings(wildcards)["flow"]["method"],
        workers=videos_cpus(wildcards, threads),
        attempt=attempt,
    )
