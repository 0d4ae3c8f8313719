import functools
import sys
from pathlib import Path
from types import SimpleNamespace

from optplan import locks, resources, study, wakeups
from optplan.planning.metric import METRICS
from optplan.reevaluation import together, when_due
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
    *(*READ_DATA, "modality", "network", "states", "training", "video.short_side"),
    *("video.crop", "video.flip", "video.augmentation", "video.planning_clip"),
)
READ_KNEE = (
    "knee.metric",
    *("knee.delay", "knee.min_epochs", "knee.min_epochs_start", "knee.max_epochs"),
    *("knee.family", "planning.bound", "video.planning_short_side"),
)


def part(*keys):
    """A params function: those of the experiment's settings, such as network or video.crop."""
    return lambda wildcards: study.part(settings(wildcards), keys)


def metric_title(wildcards):
    """What the curves of an experiment show, for the captions of the report."""
    return METRICS[settings(wildcards)["knee"]["metric"]].title


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


def record(wildcards, state):
    """File of a state's chosen parent, once it has been chosen."""
    return checkpoints.select_parent.get(
        study=wildcards.study,
        experiment=wildcards.experiment,
        seed=wildcards.seed,
        state=state,
    ).output[0]


def video_root(wildcards):
    """Folder of the videos: the user's, or where they are rendered to."""
    root = settings(wildcards)["data"]["root"]
    if root and STUDY["lists_suffice"] and not Path(root).is_dir():
        return []
    return root or f"results/{wildcards.study}/{wildcards.experiment}/data/videos"


def listing(wildcards):
    """What decides which videos are listed, and how."""
    data = settings(wildcards)["data"]
    keys = ("format", "split", "max_missing_fraction", "group_column")
    return {key: data[key] for key in keys}


def fingerprint(wildcards):
    """So that a video which is added, removed or exchanged is looked at again."""
    data = settings(wildcards)["data"]
    if not video_root(wildcards):
        return None
    return _fingerprint(
        data["root"], data["format"], data["annotations"], data["split"]
    )


_fingerprint = functools.cache(study.fingerprint)


def split_file(wildcards):
    """Which video trains, validates and tests, and its flow; a simulated task has none."""
    own = settings(wildcards)
    if own["data"]["format"] == "simulated":
        return []
    if own["modality"] == "flow":
        return f"results/{wildcards.study}/{wildcards.experiment}/data/flow.tsv"
    return rgb_table(wildcards)


def rgb_table(wildcards):
    """The split as it is for the videos that are read: the originals or the prepared ones."""
    name = "split" if settings(wildcards)["data"]["prepare"] is None else "prepared"
    return f"results/{wildcards.study}/{wildcards.experiment}/data/{name}.tsv"


def clip_files(wildcards):
    """The videos that are read again and again: the originals, or the table of prepared ones."""
    if settings(wildcards)["data"]["prepare"] is None:
        return video_root(wildcards)
    return rgb_table(wildcards)


def video_files(wildcards):
    """What clips are read from: the decoded frames if they are kept, else the videos."""
    if settings(wildcards)["data"]["format"] == "simulated":
        return []
    if settings(wildcards)["data"]["cache"]:
        return f"results/{wildcards.study}/{wildcards.experiment}/data/frames.npy"
    if settings(wildcards)["modality"] == "flow":
        # Beside it is the folder of the flow files, which no rule declares.
        return split_file(wildcards)
    return clip_files(wildcards)


def initial_weights(wildcards):
    """The file of initial weights: those that another experiment ends with, or the user's own."""
    other = settings(wildcards)["weights_of"]
    if other is not None:
        names = {"experiment": other, "strategy": "planned"}
        return strategy_weights(SimpleNamespace(**{**wildcards, **names}))
    weights = settings(wildcards)["network"]["weights"]
    return [] if weights in (None, "imagenet") else weights


@when_due
def transition_inputs(wildcards):
    """The weights a transition starts from, and the rivals that it has to beat under a bound."""
    run = study.run_folder(wildcards)
    inputs = {"weights": f"{run}/initial.pt"}
    if wildcards.source != "start":
        chosen = record(wildcards, wildcards.source)
        # Another reason for the same weights is none to train again.
        inputs = {"record": ancient(chosen), "weights": study.model_file(run, chosen)}
    if settings(wildcards)["planning"]["bound"] is not None:
        trained, _ = contenders(wildcards, wildcards.target)
        names = [transition.name for transition in trained]
        ahead = names[: names.index(f"{wildcards.source}--{wildcards.target}")]
        inputs["rivals"] = [f"{run}/transitions/{name}/knee.json" for name in ahead]
    return inputs


@when_due
def candidates(wildcards):
    """Outcomes of the transitions into a state that are worth training, and what decided that."""
    run = study.run_folder(wildcards)
    trained, records = contenders(wildcards, wildcards.state)
    return {
        "records": records,
        "knees": [
            f"{run}/transitions/{transition.name}/knee.json" for transition in trained
        ],
    }


def start_knees(wildcards):
    """Outcomes of the transitions from the start, all asked for at once.

    Otherwise each would wait for the other sources of its state to be settled. Under a bound they
    do wait: the start is tried last.
    """
    own, run = settings(wildcards), study.run_folder(wildcards)
    if own["planning"]["bound"] is not None:
        return []
    starts = [t for t in study.graph(own).transitions if t.source is None]
    return [f"{run}/transitions/{transition.name}/knee.json" for transition in starts]


def contenders(wildcards, name):
    """The transitions into the state `name` that are trained, and the records that decided it."""
    own, state = settings(wildcards), study.State.parse(name)
    get = functools.partial(record, wildcards)
    records = together(get, [racer.name for racer in study.racers(own, state)])
    if not study.lost_race(own, state, records):
        transitions = study.graph(own).incoming(state)
        sources = [t.source_name for t in transitions if t.source is not None]
        records |= together(get, sources)
    trained, _ = study.contenders(own, state, records)
    return trained, list(records.values())


def plan_file(wildcards):
    """The plan that is replayed, or the one that this run or another experiment's makes."""
    own = settings(wildcards)
    if own["plan"] and not own["plan_of"]:
        return own["plan"]
    return checkpoints.plan.get(
        study=wildcards.study,
        experiment=own["plan_of"] or wildcards.experiment,
        seed=wildcards.seed,
    ).output[0]


@when_due
def followed_plan(wildcards, strategy=None):
    """The plan that a strategy follows: the main one, that of a variant, or none."""
    strategy = strategy or wildcards.strategy
    if strategy == "planned":
        return plan_file(wildcards)
    if strategy.startswith("with"):
        return f"{study.run_folder(wildcards)}/variants/{strategy}/plan.yaml"
    return []


@when_due
def planned_stage_inputs(wildcards):
    """The weights that a stage of a planned path or a variant starts from, and its plan."""
    run = study.run_folder(wildcards)
    number = int(wildcards.number)
    before = f"{run}/strategies/{wildcards.followed}/{number - 1}/weights.pt"
    return {
        "weights": before if number > 1 else f"{run}/initial.pt",
        "plan": followed_plan(wildcards, wildcards.followed),
    }


def retrained_to_loss(wildcards):
    """Whether a planned path trains on to the losses of planning; those of another do not compare."""
    own = settings(wildcards)
    return own["planning"]["retraining"] == "loss" and own["plan"] is None


def stage_ends(wildcards):
    return study.stage_ends(settings(wildcards), wildcards.stage)


def shared_stage_weights(wildcards):
    """What a stage of hand-tuned strategies goes on from: a folder of weights, or the start."""
    run = study.run_folder(wildcards)
    before, _, _ = wildcards.stage.rpartition("+")
    if not before:
        return f"{run}/initial.pt"
    return f"{run}/strategies/{study.shared_name(before)}/weights"


@when_due
def strategy_weights(wildcards):
    """The weights after the last stage of a strategy; a folder of them if it is hand-tuned."""
    run = study.run_folder(wildcards)
    if not followed_plan(wildcards):
        return f"{run}/strategies/{study.last_stage(wildcards.strategy)}/weights"
    plan = plan_file(wildcards)
    count = study.num_stages(settings(wildcards), wildcards.strategy, plan)
    if count == 0:
        return f"{run}/initial.pt"
    return f"{run}/strategies/{wildcards.strategy}/{count}/weights.pt"


def fused_scores(wildcards):
    """Scores of the planned paths of both experiments of a fusion, of their first seeds."""
    runs = [
        f"results/{wildcards.study}/{name}/seed-{STUDY['experiments'][name]['seeds'][0]}"
        for name in FUSIONS[wildcards.fusion]
    ]
    return [f"{run}/evaluation/planned/scores.npz" for run in runs]


def variant_knees(wildcards):
    """Where the epochs of a variant's stages come from, in the order of its path."""
    folders = study.variant_folders(
        study.run_folder(wildcards),
        settings(wildcards),
        plan_file(wildcards),
        wildcards.variant,
    )
    return [f"{folder}/knee.json" for folder in folders]


def variant_inputs(wildcards):
    """The weights that a stage of a variant starts from, and the plan that it varies."""
    before = variant_knees(wildcards)[: int(wildcards.number) - 1]
    start = f"{study.run_folder(wildcards)}/initial.pt"
    weights = before[-1].replace("knee.json", "weights.pt") if before else start
    return {"weights": weights, "plan": plan_file(wildcards)}


@when_due
def variant_metrics(wildcards):
    """Evaluations of the planned path and of every variant, of the first seed."""
    wildcards = SimpleNamespace(
        study=wildcards.study,
        experiment=wildcards.experiment,
        seed=first_seed(wildcards),
    )
    names = ["planned", *study.variant_paths(settings(wildcards), plan_file(wildcards))]
    run = study.run_folder(wildcards)
    return [f"{run}/evaluation/{name}/metrics.json" for name in names]
