import functools
import sys
from pathlib import Path

from optplan import locks, study

try:
    STUDY = study.resolve(config)
except ValueError as error:
    sys.exit(f"\n{error}\n")

if workflow.is_main_process:
    locks.join_runs(Path(".snakemake"))

TARGETS = study.targets(STUDY)


wildcard_constraints:
    study=STUDY["study"],
    experiment="|".join(STUDY["experiments"]),
    seed=r"\d+",
    source=r"start|(?:cs|us)-l\d+-r\d+",
    target=r"(?:cs|us)-l\d+-r\d+",
    state=r"(?:cs|us)-l\d+-r\d+",
    strategy=r"planned|(?:cs|us)(?:-l\d+)+-(?:\d+-step|cosine)-\d+",
    number=r"\d+",


def settings(wildcards):
    return STUDY["experiments"][wildcards.experiment]


def part(*keys):
    """A params function: the named parts of the experiment's settings."""
    return lambda wildcards: {key: settings(wildcards)[key] for key in keys}


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
    return root or f"results/{wildcards.study}/{wildcards.experiment}/data/videos"


def fingerprint(wildcards):
    """So that a video which is added, removed or exchanged is looked at again."""
    return _fingerprint(settings(wildcards)["data"]["root"])


_fingerprint = functools.cache(study.fingerprint)


def video_files(wildcards):
    """What clips are read from: the decoded frames if they are kept, else the videos."""
    if settings(wildcards)["data"]["cache"]:
        return f"results/{wildcards.study}/{wildcards.experiment}/data/frames.npy"
    return video_root(wildcards)


def transition_inputs(wildcards):
    """The weights a transition starts from: those that its source state's own choice left."""
    run = study.run_folder(wildcards)
    if wildcards.source == "start":
        return {"weights": f"{run}/initial.pt"}
    chosen = record(wildcards, wildcards.source)
    return {"record": chosen, "weights": study.model_file(run, chosen)}


def candidates(wildcards):
    """Outcomes of the transitions into a state that are worth training, and their parents."""
    state = study.State.parse(wildcards.state)
    graph = study.graph(settings(wildcards))
    sources = [t.source_name for t in graph.incoming(state) if t.source is not None]
    records = {source: record(wildcards, source) for source in sources}
    trained, _ = study.distinct(graph, state, records)
    run = study.run_folder(wildcards)
    return {
        "records": list(records.values()),
        "knees": [
            f"{run}/transitions/{transition.name}/knee.json" for transition in trained
        ],
    }


def plan_file(wildcards):
    """The plan that is replayed, or the one that this run makes."""
    given = settings(wildcards)["plan"]
    if given:
        return given
    return checkpoints.plan.get(
        study=wildcards.study, experiment=wildcards.experiment, seed=wildcards.seed
    ).output[0]


def stage_inputs(wildcards):
    """The weights that a stage of a strategy starts from, and the plan where it follows one."""
    run = study.run_folder(wildcards)
    number = int(wildcards.number)
    before = f"{run}/strategies/{wildcards.strategy}/{number - 1}/weights.pt"
    inputs = {"weights": before if number > 1 else f"{run}/initial.pt"}
    if wildcards.strategy == "planned":
        inputs["plan"] = plan_file(wildcards)
    return inputs


def strategy_weights(wildcards):
    """The weights after the last stage of a strategy."""
    run = study.run_folder(wildcards)
    plan = plan_file(wildcards) if wildcards.strategy == "planned" else None
    count = study.num_stages(wildcards.strategy, plan)
    if count == 0:
        return f"{run}/initial.pt"
    return f"{run}/strategies/{wildcards.strategy}/{count}/weights.pt"
