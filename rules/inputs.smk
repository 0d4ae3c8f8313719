# Which files training follows from, as far as the records of the states say already.

import functools
from types import SimpleNamespace

from optplan.reevaluation import together, when_due


def record(wildcards, state):
    """File of a state's chosen parent, once it has been chosen."""
    return checkpoints.select_parent.get(
        study=wildcards.study,
        experiment=wildcards.experiment,
        seed=wildcards.seed,
        state=state,
    ).output[0]


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
