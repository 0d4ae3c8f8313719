import sys
from pathlib import Path

from optplan import locks, study, wakeups
from optplan.planning.metric import METRICS
from optplan.reporting.estimate import forecast

try:
    STUDY = study.resolve(config)
    if workflow.is_main_process and not workflow.output_settings.dryrun:
        locks.claim_study(Path(".snakemake"), STUDY["study"])
except ValueError as error:
    sys.exit(f"\n{error}\n")

if workflow.is_main_process:
    locks.join_runs(Path(".snakemake"))
    wakeups.limit()
    print(forecast(STUDY, sys.argv[1:]), end="", file=sys.stderr)

WAITING = study.waiting(STUDY)
# What would run can be seen as soon as the lists of a data set are there.
STUDY["lists_suffice"] = workflow.output_settings.dryrun

TARGETS = study.targets(STUDY)
PRESENT = {
    name: STUDY["experiments"][name]
    for name in study.available(STUDY, STUDY["experiments"])
}
FUSIONS = {name: STUDY["fusions"][name] for name in study.present_fusions(STUDY)}
GPUS = "gpu" in workflow.global_resources and workflow.global_resources["gpu"].value > 0
RELEASED = sorted(Path(workflow.basedir, "config", "plans").glob("*.yaml"))

VARIANT = r"with(?:out)?-(?:cs|us)-l\d+-r\d+"
STAGE = r"(?:cs|us)-l\d+-(?:r\d+(?:-\d+)?|cosine-\d+)"


wildcard_constraints:
    study=STUDY["study"],
    experiment="|".join(STUDY["experiments"]),
    fusion="|".join(STUDY["fusions"]) or "-",
    seed=r"\d+",
    source=r"start|(?:cs|us)-l\d+-r\d+",
    target=r"(?:cs|us)-l\d+-r\d+",
    state=r"(?:cs|us)-l\d+-r\d+",
    strategy=VARIANT + r"|planned|(?:cs|us)(?:-l\d+)+-(?:\d+-step|cosine)-\d+",
    variant=VARIANT,
    followed=VARIANT + r"|planned",
    stage=rf"{STAGE}(?:\+{STAGE})*",
    number=r"\d+",
    table="|".join(study.TABLES),
    figure="|".join(study.FIGURES),


def settings(wildcards):
    return STUDY["experiments"][wildcards.experiment]


def first_seed(wildcards):
    """The seed of an experiment that figures show."""
    return settings(wildcards)["seeds"][0]


def first_plan(wildcards):
    """The plan of the first seed."""
    seed = first_seed(wildcards)
    return f"results/{wildcards.study}/{wildcards.experiment}/seed-{seed}/plan.yaml"


# What jobs read of the settings. A change of anything else is no reason to run them again.
READ_DATA = ("data.format", "data.cache", "data.task", "data.validation_videos")
READ_STAGE = (
    *READ_DATA,
    "modality",
    "network",
    "states",
    "training",
    "video.augmentation",
    "video.crop",
    "video.flip",
    "video.planning_clip",
    "video.short_side",
)
READ_KNEE = (
    "knee.delay",
    "knee.family",
    "knee.max_epochs",
    "knee.metric",
    "knee.min_epochs",
    "knee.min_epochs_start",
    "planning.bound",
    "video.planning_short_side",
)


def part(*keys):
    """A params function: those of the experiment's settings, such as network or video.crop."""
    return lambda wildcards: study.part(settings(wildcards), keys)


def metric_title(wildcards):
    """What the curves of an experiment show, for the captions of the report."""
    return METRICS[settings(wildcards)["knee"]["metric"]].title
