"""Planning, the hand-tuned grid, TPE at the cost of planning, retrainings, and all candidates."""

from dataclasses import asdict

import optuna
from stages import Cost, Model, Run, Trainer

from optplan.config import graph
from optplan.planning.knee import Decision
from optplan.planning.search import plan
from optplan.planning.states import State, Transition
from optplan.planning.strategies import HandTuned, StageSpec, stage_tree
from optplan.training.stage import long_enough, recent_loss

TPE_EPOCHS = (12, 96)  # of a whole path


def planned(trainer: Trainer, *, knee: dict, planning: dict) -> dict:
    """The plan, its model on the test videos, and what all transitions cost."""
    cost = Cost()
    found = plan(
        graph(trainer.settings),
        trainer.initial,
        lambda model, state: trainer.epochs(model, state, cost),
        **knee,
        **planning,
    )
    path = [(step["state"], step["epochs"]) for step in found.plan["path"]]
    return {
        "sampling": found.plan["sampling"],
        "path": path,
        "validation": found.records[found.plan["final"]]["score"],
        "cost": asdict(cost),
        "right": trainer.right(found.model, State.parse(found.plan["final"])),
    }


def candidates(trainer: Trainer, *, knee: dict) -> list[dict]:
    """What planning knew of each transition, and whether its model is right on the test videos."""
    runs: list[Run] = []
    last: dict[Transition, Decision] = {}

    def train(model: Model, state: State):
        runs.append(trainer.run(model, state))
        return trainer.epochs(model, state, Cost())

    plan(graph(trainer.settings), trainer.initial, train, report=last.__setitem__, **knee)
    return [
        {
            "transition": transition.name,
            "state": transition.target.name,
            "fitted": decision.fitted,
            "observed": decision.observed,
            "right": trainer.right(run.models[decision.best_epoch], transition.target),
        }
        for run, (transition, decision) in zip(runs, last.items(), strict=True)
    ]


def curves(trainer: Trainer, *, epochs: int) -> list[dict]:
    """The scores of every transition that was trained, trained on until that epoch."""
    for run in trainer.runs.values():
        run.train_until(epochs)
    return [
        {"state": run.stage.name, "start": not run.base.history, "scores": run.scores}
        for run in trainer.runs.values()
    ]


def retrained(trainer: Trainer, path: list) -> dict:
    """A path trained again on training and validation videos, as the paper does."""
    cost, stages = Cost(), [(State.parse(name), epochs) for name, epochs in path]
    model = trainer.path(stages, cost)
    return {"cost": asdict(cost), "right": trainer.right(model, stages[-1][0])}


def again(planning: Trainer, others: list[Trainer], path: list) -> dict:
    """A path trained again by trainers with other seeds: for its epochs, and on to its losses.

    `planning` trains on the videos of planning, with the seed of planning: the weights are those
    that planning had, and so are the losses.
    """
    stages = [(State.parse(name), epochs) for name, epochs in path]
    losses, model = [], planning.initial
    for state, epochs in stages:
        model, loss, _ = _to_loss(planning, model, state, epochs, None)
        losses.append(loss)
    runs = []
    for trainer in others:
        for rule, targets in (("epochs", [None] * len(path)), ("loss", losses)):
            model, reached, trained = trainer.initial, [], []
            for (state, epochs), target in zip(stages, targets, strict=True):
                model, loss, last = _to_loss(trainer, model, state, epochs, target)
                reached.append(loss)
                trained.append(last)
            right = trainer.right(model, stages[-1][0])
            own = {"seed": trainer.seed, "rule": rule, "epochs": trained, "losses": reached}
            runs.append(own | {"right": right})
    return {"path": path, "losses": losses, "runs": runs}


def _to_loss(
    trainer: Trainer, model: Model, state: State, epochs: int, target: float | None
) -> tuple[Model, float, int]:
    """As a stage of the workflow: the model, its recent loss, and how many epochs it took."""
    run, epoch = trainer.run(model, state), epochs
    run.train_until(epoch)
    while not long_enough(run.curve[:epoch], epoch, epochs, target):
        epoch += 1
        run.train_until(epoch)
    return run.models[epoch], recent_loss(run.curve, epoch), epoch


def grid(trainer: Trainer) -> dict:
    """Every hand-tuned strategy: the cost of each alone, and of all with beginnings shared."""
    strategies = [HandTuned.parse(name) for name in trainer.settings["strategies"]]
    shared, lengths = Cost(), trainer.settings["states"]["clip_lengths"]
    for one in stage_tree(strategies):
        shared.epochs += one.stage.epochs
        shared.frames += one.stage.epochs * lengths[one.stage.length - 1] * trainer.num_videos
    return {
        "strategies": {one.name: hand_tuned(trainer, one) for one in strategies},
        "shared": asdict(shared),
    }


def hand_tuned(trainer: Trainer, strategy: HandTuned) -> dict:
    """One strategy, as if it were alone."""
    cost, stages = Cost(), [_settled(stage) for stage in strategy.stages]
    model = trainer.path(stages, cost)
    return {"cost": asdict(cost), "right": trainer.right(model, stages[-1][0])}


def tpe(trainer: Trainer, *, frames: int) -> dict:
    """Optuna's TPE over sampling, path and epochs, until it has cost `frames`."""
    whole, trials, total = graph(trainer.settings), [], Cost()
    paths = {
        f"{sampling}:" + ",".join(f"l{s.length}r{s.rate}" for s in path): path
        for sampling in whole.samplings
        for final in whole.finals
        if final.sampling == sampling
        for path in whole.paths(final)
    }
    shapes = sorted({name.partition(":")[2] for name in paths})
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=trainer.seed)
    )
    while total.frames < frames:
        trial = study.ask()
        sampling = trial.suggest_categorical("sampling", list(whole.samplings))
        path = paths[f"{sampling}:{trial.suggest_categorical('path', shapes)}"]
        epochs = trial.suggest_int("epochs", *TPE_EPOCHS, log=True)
        stages = list(zip(path, _shares(epochs, len(path)), strict=True))
        cost = Cost()
        score = trainer.validate(trainer.path(stages, cost), stages[-1][0], cost)
        study.tell(trial, score)
        trials.append((score, [(state.name, count) for state, count in stages]))
        total.add(cost)
    best = max(trials, key=lambda trial: trial[0])
    return {
        "sampling": best[1][0][0].partition("-")[0],
        "path": best[1],
        "trials": [score for score, _ in trials],
        "cost": asdict(total),
    }


def _settled(stage: StageSpec) -> tuple[State | StageSpec, int]:
    """The stage and its epochs; at a constant rate as a state, which others train for longer."""
    if stage.schedule == "constant":
        return State(stage.sampling, stage.length, stage.rate), stage.epochs
    return stage, stage.epochs


def _shares(total: int, parts: int) -> list[int]:
    whole, rest = divmod(total, parts)
    return [whole + (k < rest) for k in range(parts)]
