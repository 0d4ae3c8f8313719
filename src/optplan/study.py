"""What the Snakemake rules ask: which files a study consists of. Never imports torch."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from optplan.config import flow_settings, given_plan, graph, resolve
from optplan.paper import (
    PAPER,
    figure_names,
    paper_files,
    plan_files,
    result_files,
    shows_strategies,
    table_names,
    wanted,
)
from optplan.places import FIGURES, TABLES, available, figure_places, waiting
from optplan.planning.selection import distinct_transitions, promising_first, race
from optplan.planning.states import START, State
from optplan.planning.strategies import HandTuned, parse_stage, stage_name, stage_tree
from optplan.planning.variants import variants
from optplan.video.official import facts, find_lists, find_videos

__all__ = [
    "FIGURES",
    "PAPER",
    "TABLES",
    "State",
    "available",
    "contenders",
    "experiment_settings",
    "figure_names",
    "figure_places",
    "fingerprint",
    "flow_settings",
    "given_plan",
    "graph",
    "job_settings",
    "last_stage",
    "lost_race",
    "model_file",
    "num_stages",
    "paper_files",
    "part",
    "plan_files",
    "present_fusions",
    "racers",
    "resolve",
    "result_files",
    "run_folder",
    "shared_name",
    "shows_strategies",
    "stage_ends",
    "table_names",
    "targets",
    "variant_folders",
    "variant_paths",
    "waiting",
]


def targets(study: dict) -> list[str]:
    """What the main job makes.

    Every plan is named here, though the tables depend on it: a checkpoint that is not reachable
    from the start would not be seen when an interrupted run is continued.
    """
    results = f"results/{study['study']}"
    present = available(study, study["experiments"])
    files = [f"{results}/tables/comparison.{suffix}" for suffix in ("csv", "md") if present]
    for name in present:
        settings = study["experiments"][name]
        if settings["plan"] is None:
            files += [f"{results}/{name}/seed-{seed}/plan.yaml" for seed in settings["seeds"]]
            if settings["variants"]:
                files.append(f"{results}/tables/{name}-variants.md")
            files += [
                f"{results}/figures/{name}-{figure}.{suffix}"
                for figure in ("graph", "curves")
                for suffix in ("pdf", "png")
            ]
            files.append(f"{results}/plans/{name}.html")
    files += [file for target in wanted(study) for file in paper_files(study, target)]
    return [*files, f"{results}/tables/costs.md", f"{results}/provenance.json"] if files else []


def present_fusions(study: dict) -> list[str]:
    """The fusions whose experiments need not wait for data."""
    return available(study, study["fusions"])


def fingerprint(root, name="folder", annotations=None, split=1) -> str | None:
    """Changes with the name, size or time of any file below the folder `root`.

    Of the official data set `name` it changes with the names of the videos, and with the name,
    size or time of any official list of `split` in the folder `annotations`. It does not change
    with a video's size or time: these sets are too large to ask every file at every start.

    Snakemake itself only looks at the folder's own time, which an exchanged video does not touch.
    None for no folder: rendered videos follow from the configuration.
    """
    if root is None:
        return None
    digest = hashlib.sha256()
    if facts(name) is None:
        files = [path for path in sorted(Path(root).rglob("*")) if path.is_file()]
    else:
        videos = sorted(find_videos(name, root))
        digest.update("\0".join(videos).encode(errors="surrogateescape"))
        lists = find_lists(name, annotations, split)
        root, files = annotations, [path for paths in lists.values() for path in paths]
    for path in files:
        entry = path.stat()
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0{entry.st_size}\0{entry.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def part(settings: Mapping, keys: Iterable[str]) -> dict:
    """The settings reduced to `keys`: groups, such as network, or single ones, such as data.cache.

    Whoever reads another one of them, of which Snakemake would not know, gets a KeyError.
    """
    found: dict = {}
    for key in keys:
        group, _, name = key.partition(".")
        if name:
            found.setdefault(group, {})[name] = settings[group][name]
        else:
            found[group] = settings[group]
    return found


def job_settings(job) -> dict:
    """The settings of a job of the workflow, given its `snakemake` object.

    `compute` says how a job is to compute, not what. It is no parameter of the rules, so that more
    processes, say, are no reason to train again what has been trained.
    """
    return job.params.settings | {"compute": experiment_settings(job)["compute"]}


def experiment_settings(job) -> dict:
    """All settings of the experiment that a job belongs to, given its `snakemake` object."""
    return resolve(job.config)["experiments"][job.wildcards.experiment]


def run_folder(wildcards) -> str:
    return f"results/{wildcards.study}/{wildcards.experiment}/seed-{wildcards.seed}"


def read_record(path) -> dict:
    """A state's record; ValueError if the file is something else."""
    try:
        record = json.loads(Path(path).read_text())
        return {key: record[key] for key in ("state", "model", "path")} | record
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not the record of a state: {error!r}") from error


def model_file(run: str, record_path) -> str:
    """The weights that a state passes on: those of the transition its record points to."""
    model = read_record(record_path)["model"]
    return f"{run}/initial.pt" if model == START else f"{run}/transitions/{model}/weights.pt"


def racers(settings: dict, state: State) -> list[State]:
    """The states whose scores decide whether the sampling of `state` is explored further."""
    if settings["planning"]["race"] is None or state.rate == 1:
        return []
    whole = graph(settings)
    return [State(sampling, whole.num_lengths, 1) for sampling in whole.samplings]


def lost_race(settings: dict, state: State, records: dict) -> str | None:
    """Why `state` is not explored, if it is not; `records` maps the racers' names to files."""
    scores = {r.sampling: read_record(records[r.name])["score"] for r in racers(settings, state)}
    return race(scores, settings["planning"]["race"]).get(state.sampling) if scores else None


def contenders(settings: dict, state: State, records: dict) -> tuple[list, list]:
    """(to train, skipped) of the transitions into `state`.

    `records` maps the names of the racers and, unless the race is lost, of the source states to the
    files of their records. With a bound, transitions are trained in the order of the list.
    """
    transitions = graph(settings).incoming(state)
    why = lost_race(settings, state, records)
    if why:
        return [], [{"transition": transition.name, "why": why} for transition in transitions]
    known = {name: read_record(path) for name, path in records.items()}
    trained, skipped = distinct_transitions(
        transitions, {name: record["model"] for name, record in known.items()}
    )
    if settings["planning"]["bound"] is not None:
        scores = {name: record["score"] for name, record in known.items()}
        trained = promising_first(trained, scores)
    return trained, skipped


def read_plan(path) -> dict:
    """A plan.yaml; ValueError if the file is something else."""
    plan = yaml.safe_load(Path(path).read_text())
    if not isinstance(plan, dict) or not isinstance(plan.get("path"), list):
        raise ValueError(f"{path} is not a plan: it has no list called 'path'")
    return plan


def variant_paths(settings: Mapping, plan) -> dict[str, tuple[State, ...]]:
    """The variants of a plan's path by name, where the experiment wants them."""
    if not settings["variants"]:
        return {}
    path = [State.parse(step["state"]) for step in read_plan(plan)["path"]]
    return variants(graph(settings), path)


def variant_folders(run: str, settings: Mapping, plan, variant: str) -> list[str]:
    """Where the epochs of each stage of a variant are determined.

    As long as it goes with the plan, by the plan's own transitions; then by stages of its own.
    """
    planned = [step["state"] for step in read_plan(plan)["path"]]
    names = [state.name for state in variant_paths(settings, plan)[variant]]
    shared = 0
    while shared < len(names) and names[shared] == planned[shared]:
        shared += 1
    models = [read_record(f"{run}/states/{name}.json")["model"] for name in names[:shared]]
    own = range(shared + 1, len(names) + 1)
    return [
        *(f"{run}/transitions/{model}" for model in models),
        *(f"{run}/variants/{variant}/{number}" for number in own),
    ]


def num_stages(settings: dict, strategy: str, plan) -> int:
    """How many stages the plan has, or that variant of it."""
    if strategy == "planned":
        return len(read_plan(plan)["path"])
    return len(variant_paths(settings, plan)[strategy])


def stage_ends(settings: dict, name: str) -> list[int]:
    """After how many epochs hand-tuned strategies of the experiment leave that shared stage."""
    ends = _ends(tuple(settings["strategies"])).get(name)
    if ends is None:
        raise ValueError(f"no strategy of the experiment has the stage {name}")
    return list(ends)


@functools.cache
def _ends(strategies: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    return {stage.name: stage.ends for stage in stage_tree(map(HandTuned.parse, strategies))}


def last_stage(strategy: str) -> str:
    """The shared stage that a hand-tuned strategy ends in."""
    return stage_name(HandTuned.parse(strategy).stages)


def shared_name(history: str) -> str:
    """The shared stage that trains the last of these stages, such as cs-l1-r1 for cs-l1-r1-16."""
    return stage_name(parse_stage(history))


def read_records(run) -> dict[str, dict]:
    """The records of all states of a run by the state's name."""
    records = [read_record(path) for path in sorted(Path(run, "states").glob("*.json"))]
    return {record["state"]: record for record in records}


def path_transitions(run) -> list[str]:
    """Names of the transitions on the best path to every final state, the planned one first."""
    records, plan = read_records(run), read_plan(Path(run, "plan.yaml"))
    names = []
    for final in sorted(plan["finals"], key=lambda name: (name != plan["final"], name)):
        path = []
        while final != START:
            path.append(records[final]["transition"])
            final = records[final]["parent"]
        names += reversed(path)
    return names
