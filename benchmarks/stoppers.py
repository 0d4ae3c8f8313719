"""When to stop a transition: the knee against what one would do instead, on synthetic curves.

    OMP_NUM_THREADS=1 python benchmarks/stoppers.py [--curves N] [--jobs J] [--seed S]

Prints four Markdown tables: by group of curves, by number of validation clips, by kind of curve,
and how often a slow start is taken for a flat curve. Cells of the first three are "epochs trained /
accuracy lost": the lost points are those between the best expected accuracy of epochs 0..400 and
that of the epoch whose model is kept. Needs envs/benchmarks.txt.
"""

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
from curve_families import FINE_TUNING, GROUPS, KINDS, MAX_EPOCHS, mean_curve, observed
from fits import released_fit
from kneed import KneeLocator

from optplan.planning.knee import KneeStopper

NUM_CLIPS = (200, 1000, 5000, np.inf)
MAIN_CLIPS = 1000
DELAYS = (10, 15, 20)
MIN_EPOCHS, MIN_EPOCHS_START = 10, 20  # the defaults of config/schema.yaml
SLOW_MIDDLES, SLOW_MIN_EPOCHS = (20, 25, 30, 40), (10, 20, 30)

Stop = tuple[int, int]  # (epochs trained, epoch whose model is kept)


def patience(scores: np.ndarray, epochs: int) -> Stop:
    """Stop when the best score is `epochs` old, keep its model."""
    best = 0
    for epoch, score in enumerate(scores):
        if score > scores[best]:
            best = epoch
        if epoch >= best + epochs:
            return epoch, best
    return MAX_EPOCHS, best


def moving_average(scores: np.ndarray, window: int, delay: int) -> Stop:
    """Stop when the best centred average is more than `delay` epochs old, keep its centre's model.

    Averages at the start are over the epochs there are; those at the end wait for all of theirs.
    """
    half, best, greatest = window // 2, 0, -np.inf
    for epoch in range(half, MAX_EPOCHS + 1):
        centre = epoch - half
        average = scores[max(0, centre - half) : epoch + 1].mean()
        if average > greatest:
            best, greatest = centre, average
        if epoch > best + delay:
            return epoch, best
    return MAX_EPOCHS, best


def kneedle(scores: np.ndarray, delay: int = 10) -> Stop:
    """Stop when Kneedle's knee, in its online form, is more than `delay` epochs old."""
    knee = None
    for epoch in range(delay, MAX_EPOCHS + 1):
        seen = scores[: epoch + 1]
        if np.ptp(seen) > 0:  # it divides by the range
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "No knee/elbow found": that is its answer
                knee = KneeLocator(
                    np.arange(epoch + 1), seen, curve="concave", direction="increasing", online=True
                ).knee
        if knee is not None and epoch > knee + delay:
            return epoch, int(knee)
    return MAX_EPOCHS, int(scores.argmax() if knee is None else knee)


def released(scores: np.ndarray, delay: int = 10) -> Stop:
    """The released code: stop when epoch >= t* + delay, with t* in 0..999 of `released_fit`."""
    ahead = np.arange(1000)
    best = int(scores.argmax())
    for epoch in range(delay, MAX_EPOCHS + 1):
        try:
            best = int(np.argmax(released_fit(scores[: epoch + 1])(ahead)))
        except RuntimeError:
            continue  # it reports that the curve cannot be fitted, and goes on
        if epoch >= best + delay:
            return epoch, best
    return MAX_EPOCHS, min(best, MAX_EPOCHS)


def knees(scores: np.ndarray, min_epochs: int, delays: tuple = DELAYS) -> dict[int, Stop]:
    """`KneeStopper` with each of the delays.

    t* does not depend on the delay, so the stopper with the longest makes the fits for all.
    """
    stopper = KneeStopper(delay=max(delays), min_epochs=min_epochs, max_epochs=MAX_EPOCHS)
    first = max(min_epochs, min(delays) + 1)
    for epoch in range(first):
        stopper.observe(epoch, scores[epoch])
    stops = {}
    for epoch in range(first, MAX_EPOCHS + 1):
        best = stopper.update(epoch, scores[epoch]).best_epoch
        for delay in delays:
            if delay not in stops and (epoch > best + delay or epoch == MAX_EPOCHS):
                stops[delay] = epoch, min(best, epoch)
        if len(stops) == len(delays):
            break
    return stops


def stops_of(scores: np.ndarray, min_epochs: int) -> dict[str, Stop]:
    """The stop of every method on one curve."""
    stops = {f"knee, T = {delay}": stop for delay, stop in knees(scores, min_epochs).items()}
    stops |= {f"patience {n}": patience(scores, n) for n in (5, 10, 20, 30)}
    stops |= {
        f"moving average {window}, T = {delay}": moving_average(scores, window, delay)
        for window, delay in product((5, 9), (10, 15))
    }
    stops |= {"Kneedle": kneedle(scores), "released recipe": released(scores)}
    return stops | {f"fixed {n}": (n, n) for n in (30, 50, 100)}


def measure(task: tuple) -> dict[str, tuple[float, float]]:
    """(epochs trained, points lost) of every method on one curve, for (seed, kind, clips, index).

    One mean curve is observed with each number of clips, so that only the noise differs.
    """
    seed, kind, num_clips, index = task
    rng = np.random.default_rng([seed, KINDS.index(kind), index])
    mean = mean_curve(kind, rng)
    scores = observed(mean, num_clips, rng)
    if kind not in FINE_TUNING:
        scores[0] = 0.0  # a start transition has no parent to evaluate
    stops = stops_of(scores, MIN_EPOCHS if kind in FINE_TUNING else MIN_EPOCHS_START)
    measured = {
        method: (epochs, 100 * (mean.max() - mean[kept]))
        for method, (epochs, kept) in stops.items()
    }
    return measured | {"hindsight": (int(mean.argmax()), 0.0)}


def slow_starts(num_curves: int, seed: int) -> list[list[str]]:
    """Shares of S-curves of which T = 10 keeps an epoch before their middle, by `min_epochs`."""
    t, rows = np.arange(MAX_EPOCHS + 1), []
    for middle in SLOW_MIDDLES:
        mean = 0.02 + 0.6 / (1 + np.exp(-(t - middle) / 2))
        row = [f"slow start, middle at epoch {middle}"]
        for min_epochs in SLOW_MIN_EPOCHS:
            kept = []
            for index in range(num_curves):
                scores = observed(mean, MAIN_CLIPS, np.random.default_rng([seed, middle, index]))
                kept.append(knees(scores, min_epochs, delays=(10,))[10][1])
            row.append(f"{100 * np.mean(np.array(kept) < middle):.0f} %")
        rows.append(row)
    return rows


def cell(measured: list[tuple[float, float]]) -> str:
    """The means, as "epochs / points"."""
    epochs, points = np.mean(measured, axis=0)
    return f"{epochs:.1f} / {points:.2f}"


def cell_with_errors(measured: list[tuple[float, float]], num_kinds: int) -> str:
    """The means with their standard errors, over curves of kinds that are fixed and weigh alike."""
    by_kind = np.reshape(measured, (num_kinds, -1, 2))
    squares = (by_kind - by_kind.mean(axis=1, keepdims=True)) ** 2
    freedom = max(1, by_kind.shape[1] - 1)
    errors = np.sqrt(squares.sum(axis=(0, 1)) / freedom / len(measured) / num_kinds)
    means = np.mean(measured, axis=0)
    return f"{means[0]:.1f} ± {errors[0]:.1f} / {means[1]:.2f} ± {errors[1]:.2f}"


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(num_curves: int, jobs: int, seed: int) -> str:
    """All tables, over `num_curves` curves of each kind."""
    tasks = list(product([seed], KINDS, NUM_CLIPS, range(num_curves)))
    with ProcessPoolExecutor(jobs) as pool:
        measured = dict(zip(tasks, pool.map(measure, tasks, chunksize=4), strict=True))
    methods = list(measured[tasks[0]])

    def chosen(method, kinds=KINDS, clips=MAIN_CLIPS):
        return [m[method] for (_, k, n, _), m in measured.items() if k in kinds and n == clips]

    by_group = [
        [m, cell_with_errors(chosen(m), len(KINDS)), *(cell(chosen(m, g)) for g in GROUPS.values())]
        for m in methods
    ]
    versus = np.subtract(chosen("knee, T = 15"), chosen("patience 20"))
    errors = cell_with_errors(versus, len(KINDS))
    by_group.append(["T = 15 less patience 20", errors, *[""] * len(GROUPS)])
    by_clips = [[m, *(cell(chosen(m, clips=n)) for n in NUM_CLIPS)] for m in methods]
    shown = ["knee, T = 10", "knee, T = 15", "knee, T = 20", "patience 20"]
    shown += ["moving average 5, T = 15", "hindsight"]
    by_kind = [[kind, *(cell(chosen(m, [kind])) for m in shown)] for kind in KINDS]
    clips = [f"N = {n}" for n in NUM_CLIPS]
    return "\n\n".join(
        [
            markdown([f"N = {MAIN_CLIPS}", "all", *GROUPS], by_group),
            markdown(["all kinds", *clips], by_clips),
            markdown([f"N = {MAIN_CLIPS}", *shown], by_kind),
            markdown(
                ["T = 10 stops too early", *(f"min_epochs {n}" for n in SLOW_MIN_EPOCHS)],
                slow_starts(num_curves, seed),
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=10, help="curves of each of the 15 kinds")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(tables(args.curves, args.jobs, args.seed))


if __name__ == "__main__":
    main()
