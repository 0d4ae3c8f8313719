"""Planning against other ways to search, on simulated tasks: accuracy and cost, as two tables.

    .venv/bin/pip install -r envs/benchmarks.txt
    .venv/bin/python benchmarks/search.py --jobs 2

Every method chooses by noisy validation scores, and is judged by the true accuracy of the model it
chose. The cost of an epoch is its clip length. What is compared, and what it shows: README.md.
"""

import argparse
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from importlib.util import find_spec
from itertools import islice, product
from multiprocessing import get_context
from statistics import fmean, stdev

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: processes share the work, not threads

import numpy as np
from tqdm import tqdm

from optplan.planning.knee import KneeStopper
from optplan.planning.search import plan, train_transition
from optplan.planning.simulate import Model, Task
from optplan.planning.states import State, Transition, TransitionGraph
from optplan.planning.strategies import HandTuned, stage_tree

BASELINE = "planning, extended graph, T=10"
DELAYS = {
    "extended graph, T=15": {"delay": 15},
    "extended graph, T=20": {"delay": 20},
}
CHEAPER = {
    "bound 2, race 0.01": {"bound": 2.0, "race": 0.01},
    "economical preset (T=12, bound 2, race 0.01)": {"delay": 12, "bound": 2.0, "race": 0.01},
}
GPUS = (1, 2, 4, 8)
GRID_EPOCHS = (128, 192, 256, 320, 384)
EPOCHS = (3, 80)  # of a state, where a method searches for them
FIRST_RUNG = 30  # cost after which successive halving first ends trials; then 4, 16 times that


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a method came to: the true accuracy of its model, and the cost of finding it."""

    accuracy: float
    cost: float


@dataclass(frozen=True, slots=True)
class Node:
    """The end of a path: its model, the score f(t*), and the runs that led to it, by name."""

    model: Model
    score: float
    runs: tuple[tuple, ...]


class Paths:
    """Paths trained to their knees, each common beginning once."""

    def __init__(self, task: Task, max_epochs: int):
        self.task, self.max_epochs, self.cost, self._nodes = task, max_epochs, {}, {}
        self._root = Node(task.initial, 0.0, ())

    def end(self, path: tuple[State, ...]) -> Node:
        if not path:
            return self._root
        parent, state = self.end(path[:-1]), path[-1]
        run = (parent.model, state)
        if run not in self._nodes:
            min_epochs = 10 if len(path) > 1 else 20
            stopper = KneeStopper(min_epochs=min_epochs, max_epochs=self.max_epochs)
            trained = train_transition(self.task.train, parent.model, state, stopper)
            self.cost[run] = trained.decision.epoch * clip_cost(state.length)
            self._nodes[run] = trained.model, trained.decision.fitted
        return Node(*self._nodes[run], (*parent.runs, run))

    def outcome(self, best: Node, runs: set) -> Outcome:
        return Outcome(self.task.accuracy(best.model), sum(self.cost[run] for run in runs))


def clip_cost(length: int) -> int:
    """Of an epoch with clips of length index `length`, in epochs with the shortest clips."""
    return 2 ** (length - 1)


def planned(task: Task, graph: TransitionGraph, **knee) -> tuple[Outcome, dict[str, float]]:
    """The outcome of planning, and the cost of every transition by name."""
    found = plan(graph, task.initial, task.train, **knee)
    candidates = [c for record in found.records.values() for c in record["candidates"]]
    costs = {
        c["transition"]: c["trained_epochs"] * clip_cost(State.parse(c["target"]).length)
        for c in candidates
    }
    return Outcome(task.accuracy(found.model), sum(costs.values())), costs


def all_paths(paths: Paths, graph: TransitionGraph) -> Outcome:
    nodes = [paths.end(path) for final in graph.finals for path in graph.paths(final)]
    best = max(nodes, key=lambda node: node.score)
    return paths.outcome(best, {run for node in nodes for run in node.runs})


def random_paths(paths: Paths, graph: TransitionGraph, budget: float) -> Outcome:
    every = [path for final in graph.finals for path in graph.paths(final)]
    nodes, runs = [], set()
    for number in np.random.default_rng([paths.task.seed, 2]).permutation(len(every)):
        nodes.append(paths.end(every[number]))
        runs.update(nodes[-1].runs)
        if sum(paths.cost[run] for run in runs) >= budget:
            break
    return paths.outcome(max(nodes, key=lambda node: node.score), runs)


def greedy_forward(paths: Paths, graph: TransitionGraph) -> Outcome:
    """From every state only the transition with the best score is followed."""
    nodes, runs = [], set()
    for final in graph.finals:
        path = ()
        while not path or path[-1] != final:
            ways = [
                (*path, transition.target)
                for transition in graph.outgoing(path[-1] if path else None)
                if transition.target.sampling == final.sampling
            ]
            runs.update(run for way in ways for run in paths.end(way).runs)
            path = max(ways, key=lambda way: paths.end(way).score)
        nodes.append(paths.end(path))
    return paths.outcome(max(nodes, key=lambda node: node.score), runs)


def hand_tuned(task: Task, graph: TransitionGraph) -> tuple[Outcome, Outcome]:
    """The paper's grid (Sec. 5.3): with every run trained alone, and with equal beginnings once."""
    longest = graph.num_lengths
    sequences = {(1, longest), (max(1, longest - 1), longest), tuple(range(1, longest + 1))}
    decays = (f"{graph.num_rates}-step", "cosine")
    grid = [
        HandTuned(*choice)
        for choice in product(graph.samplings, sorted(sequences), decays, GRID_EPOCHS)
    ]
    results = []
    for strategy in grid:
        model = task.initial
        for stage in strategy.stages:
            model = task.train_stage(model, stage)
        results.append((task.validate(model, strategy.name), strategy.name, model))
    accuracy = task.accuracy(max(results)[2])
    alone = sum(stage.epochs * clip_cost(stage.length) for s in grid for stage in s.stages)
    shared = sum(part.stage.epochs * clip_cost(part.stage.length) for part in stage_tree(grid))
    return Outcome(accuracy, alone), Outcome(accuracy, shared)


def optuna_search(task: Task, graph: TransitionGraph, budget: float, method: str) -> Outcome:
    """Optuna chooses a path and the epochs of its states, trial by trial until `budget` is spent.

    method is "random", "TPE" or "successive halving", which is random with trials that end early.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler if method == "TPE" else optuna.samplers.RandomSampler
    pruner = optuna.pruners.NopPruner()
    if method == "successive halving":
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=FIRST_RUNG)
    study = optuna.create_study(
        direction="maximize", sampler=sampler(seed=task.seed), pruner=pruner
    )
    paths = {
        " ".join(state.name for state in path): path
        for final in graph.finals
        for path in graph.paths(final)
    }
    spent, best = 0.0, (-math.inf, 0, task.initial)
    while spent < budget:
        trial = study.ask()
        path = paths[trial.suggest_categorical("path", list(paths))]
        epochs = [trial.suggest_int(f"epochs of {s.name}", *EPOCHS, log=True) for s in path]
        for epoch in _epochs(task, path, epochs):
            score, model, cost = epoch
            if method == "successive halving":
                trial.report(score, cost)
                if trial.should_prune():
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    break
        else:
            study.tell(trial, score)
            best = max(best, (score, -trial.number, model))
        spent += cost
    return Outcome(task.accuracy(best[2]), spent)


def _epochs(task: Task, path, epochs) -> Iterator[tuple[float, Model, int]]:
    """(validation score, model, cost so far) after every epoch along a path."""
    model, cost = task.initial, 0
    for state, number in zip(path, epochs, strict=True):
        for score, after in islice(task.train(model, state), 1, number + 1):
            cost += clip_cost(state.length)
            yield score, after, cost
        model = after


def speed_ups(costs: dict[str, float]) -> dict[str, float]:
    """Time on one GPU by time on more, where every GPU trains one transition at a time.

    A transition can begin when all transitions into its source are done. Of those that can, the one
    with the longest way to the end goes first.
    """
    names = [Transition.parse(name) for name in costs]
    waits = {t.name: [s.name for s in names if s.target == t.source] for t in names}
    tail: dict[str, float] = {}
    for t in sorted(names, reverse=True):
        after = [tail[s.name] for s in names if s.source == t.target]
        tail[t.name] = costs[t.name] + max(after, default=0.0)
    serial = sum(costs.values())
    times = {f"{gpus} GPU{'s' * (gpus > 1)}": _makespan(costs, waits, tail, gpus) for gpus in GPUS}
    times["no limit (critical path)"] = max(tail.values())
    return {name: serial / time for name, time in times.items()}


def _makespan(costs: dict, waits: dict, tail: dict, gpus: int) -> float:
    now, done, todo, running = 0.0, set(), set(costs), []
    while todo or running:
        ready = [name for name in todo if done.issuperset(waits[name])]
        for name in sorted(ready, key=lambda name: (-tail[name], name))[: gpus - len(running)]:
            heappush(running, (now + costs[name], name))
            todo.remove(name)
        now, name = heappop(running)
        done.add(name)
    return now


def compare(arguments: tuple) -> tuple[dict[str, Outcome], dict[str, float]]:
    """All methods on the task of one seed, and the speed-up of planning in parallel."""
    seed, size, max_epochs, exhaustive, cheaper_only = arguments
    task = Task(seed)
    paths = Paths(task, max_epochs)
    graph = TransitionGraph(num_lengths=size, num_rates=size)
    basic = TransitionGraph(num_lengths=size, num_rates=size, kind="basic")
    baseline, costs = planned(task, graph, max_epochs=max_epochs)
    budget = baseline.cost
    outcomes = {BASELINE: baseline}
    for name, settings in (CHEAPER if cheaper_only else DELAYS | CHEAPER).items():
        outcomes[f"planning, {name}"], _ = planned(task, graph, max_epochs=max_epochs, **settings)
    outcomes["planning, basic graph, T=10"], _ = planned(task, basic, max_epochs=max_epochs)
    if cheaper_only:
        return outcomes, speed_ups(costs)
    if exhaustive:
        outcomes["all paths, beginnings shared"] = all_paths(paths, graph)
    outcomes["random paths, beginnings shared"] = random_paths(paths, graph, budget)
    outcomes["greedy forward"] = greedy_forward(paths, graph)
    alone, shared = hand_tuned(task, graph)
    outcomes["hand-tuned grid, each run alone"] = alone
    outcomes["hand-tuned grid, beginnings shared"] = shared
    if find_spec("optuna"):
        for method, factor in product(("random", "successive halving", "TPE"), (1, 4)):
            outcome = optuna_search(task, graph, factor * budget, method)
            outcomes[f"{method}, path and epochs, {factor} x cost"] = outcome
    return outcomes, speed_ups(costs)


def report(results: list) -> str:
    """Both tables in Markdown; differences are paired by task."""
    lines = ["| method | accuracy (points) | cost ratio | tasks |", "|---|---|---|---|"]
    methods = dict.fromkeys(name for outcomes, _ in results for name in outcomes)
    for name in methods:
        pairs = [(o[name], o[BASELINE]) for o, _ in results if name in o]
        gains = [100 * (own.accuracy - base.accuracy) for own, base in pairs]
        error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.nan
        ratio = fmean(own.cost / base.cost for own, base in pairs)
        gain = f"{fmean(gains):+.2f} ± {error:.2f}" if name != BASELINE else "0"
        lines.append(f"| {name} | {gain} | {ratio:.2f} | {len(pairs)} |")
    base = [outcomes[BASELINE] for outcomes, _ in results]
    accuracy, cost = 100 * fmean(o.accuracy for o in base), fmean(o.cost for o in base)
    lines += ["", f"{BASELINE}: mean accuracy {accuracy:.2f}, mean cost {cost:.0f} short epochs"]
    lines += ["", "| transitions in parallel on | speed-up |", "|---|---|"]
    for name in results[0][1]:
        lines.append(f"| {name} | {fmean(ups[name] for _, ups in results):.2f} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--exhaustive", type=int, default=20, help="tasks that try all paths")
    parser.add_argument("--cheaper-only", action="store_true", help="planning with bound and race")
    parser.add_argument("--size", type=int, default=3, help="clip lengths, and learning rates")
    parser.add_argument("--max-epochs", type=int, default=200, help="of every transition")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args(argv)
    tasks = [
        (
            1000 * options.seed + k,
            options.size,
            options.max_epochs,
            k < options.exhaustive,
            options.cheaper_only,
        )
        for k in range(options.tasks)
    ]
    with get_context("spawn").Pool(options.jobs) as pool:
        print(report(list(tqdm(pool.imap(compare, tasks), total=len(tasks), unit="task"))))
    if not options.cheaper_only and not find_spec("optuna"):
        print("\nThree methods need Optuna: pip install -r envs/benchmarks.txt")


if __name__ == "__main__":
    main()
