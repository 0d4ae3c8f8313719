"""What a fit of a curve costs and how good it is, against the recipe of the released code.

    OMP_NUM_THREADS=1 python benchmarks/fits.py [--curves N] [--seed S]

Prints one Markdown table. Times are CPU time of one thread; all methods fit the same curves.
"""

import argparse
import warnings
from contextlib import suppress
from itertools import combinations
from time import process_time

import numpy as np
from curve_families import KINDS, MAX_EPOCHS, mean_curve, observed
from scipy.optimize import OptimizeWarning, curve_fit, minimize, nnls

from optplan.planning.curves import FAMILIES, fit

LENGTHS = (12, 51, 101, 201, 401)  # scores per timed fit
QUALITY_LENGTHS = (16, 401)  # drawn from 16 to 400, evenly in the logarithm
NUM_CLIPS = (200, 1000, 5000, np.inf)
RATES = {"exponential": (1 / 200, 3.0), "power": (0.1, 4.0)}  # the constraints of docs/knee.md
RELEASED = "released recipe"


def released_fit(y: np.ndarray):
    """f of the released recipe: curve_fit from its default start (all ones), without any scaling.

    RuntimeError where it does not converge in 500 evaluations.
    """

    def f(t, a, b, c, d, e):
        return -a * np.exp(-b * t) - c * t - d * t**2 + e

    bounds = ([0, 0, -np.inf, 0, 0], np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # no covariance: it is not used
        best, _ = curve_fit(f, np.arange(len(y)), y, bounds=bounds, max_nfev=500)
    return lambda t: f(t, *best)


def reference_fit(y: np.ndarray, family: str) -> tuple[float, int]:
    """(least RSS, t* in 0..MAX_EPOCHS) by variable projection, sharing no code with optplan.

    For given rates the other parameters are a non-negative least-squares problem that is solved
    exactly, so only the rates are searched: a grid, then a simplex from its three best points.
    """
    t = np.arange(len(y), dtype=float)
    decay = family.removeprefix("multi-")
    clock = t if decay == "exponential" else np.log1p(t)
    scaled = (y - y.min()) / (np.ptp(y) or 1.0)
    free = np.stack([np.ones_like(t), t / t[-1]], axis=1)
    basis, _ = np.linalg.qr(free)
    target = scaled - basis @ (basis.T @ scaled)
    low, high = np.log(RATES[decay])

    def columns(log_rates):
        rates = np.exp(np.clip(log_rates, low, high))
        return np.stack([*-np.exp(-np.outer(rates, clock)), -((t / t[-1]) ** 2)], axis=1)

    def project(log_rates):
        signed = columns(log_rates)
        signed -= basis @ (basis.T @ signed)
        norms = np.linalg.norm(signed, axis=0)
        weights, distance = nnls(signed / norms, target)
        return weights / norms, distance**2

    if family == decay:
        grid = [(x,) for x in np.linspace(low, high, 200)]
    else:
        grid = list(combinations(np.linspace(low, high, 36), 2))
    errors = [project(point)[1] for point in grid]
    candidates = []
    for k in np.argsort(errors)[:3]:
        found = minimize(
            lambda x: project(x)[1],
            grid[k],
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-14, "maxfev": 300},
        )
        candidates += [(errors[k], grid[k]), (found.fun, found.x)]
    rss, rates = min(candidates, key=lambda pair: pair[0])
    weights, _ = project(rates)
    rest = scaled - columns(rates) @ weights
    start, slope = np.linalg.lstsq(free, rest, rcond=None)[0]
    ahead = np.arange(MAX_EPOCHS + 1.0)
    clock_ahead = ahead if decay == "exponential" else np.log1p(ahead)
    rates = np.exp(np.clip(rates, low, high))
    curve = start + slope * ahead / t[-1] - weights[-1] * (ahead / t[-1]) ** 2
    curve -= weights[:-1] @ np.exp(-np.outer(rates, clock_ahead))
    return rss * (np.ptp(y) or 1.0) ** 2, int(np.argmax(curve >= curve.max() - 1e-9))


def random_scores(rng: np.random.Generator, index: int, length: int) -> np.ndarray:
    """The first `length` scores of a curve; the kinds and numbers of clips take turns."""
    kind = KINDS[index % len(KINDS)]
    num_clips = NUM_CLIPS[index // len(KINDS) % len(NUM_CLIPS)]
    return observed(mean_curve(kind, rng), num_clips, rng)[:length]


def fitted(method: str, y: np.ndarray):
    """(f, t* in 0..MAX_EPOCHS) by one method."""
    if method == RELEASED:
        f = released_fit(y)
        return f, min(int(np.argmax(f(np.arange(1000)))), MAX_EPOCHS)
    curve = fit(y, method)
    return curve.value, curve.peak(MAX_EPOCHS)


def median_times(num_curves: int, seed: int) -> dict[str, list[float]]:
    """Median milliseconds a fit for each method, by the number of scores."""
    medians = {method: [] for method in (RELEASED, *FAMILIES)}
    for length in LENGTHS:
        rng = np.random.default_rng([seed, length])
        times = {method: [] for method in medians}
        for index in range(num_curves):
            y = random_scores(rng, index, length)
            for method, costs in times.items():
                begin = process_time()
                with suppress(RuntimeError):  # a fit that fails costs time too
                    released_fit(y) if method == RELEASED else fit(y, method)
                costs.append(process_time() - begin)
        for method, costs in times.items():
            medians[method].append(1000 * float(np.median(costs)))
    return medians


def quality(num_curves: int, seed: int) -> dict[str, list[float]]:
    """Shares of fits with RSS > 1 % above the reference, t* > 5 epochs off, and exceptions."""
    rng = np.random.default_rng([seed, 0])
    flaws = {method: [] for method in (RELEASED, *FAMILIES)}
    for index in range(num_curves):
        length = int(np.exp(rng.uniform(*np.log(QUALITY_LENGTHS))))
        y = random_scores(rng, index, length)
        references = {family: reference_fit(y, family) for family in FAMILIES}
        negligible = 1e-12 * np.sum((y - y.mean()) ** 2)
        for method, found in flaws.items():
            rss, knee = references["exponential" if method == RELEASED else method]
            try:
                f, peak = fitted(method, y)
            except Exception:
                found.append((False, False, True))
                continue
            excess = np.sum((f(np.arange(length)) - y) ** 2) > 1.01 * rss + negligible
            found.append((excess, abs(peak - knee) > 5, False))
    return {method: np.mean(found, axis=0).tolist() for method, found in flaws.items()}


def table(num_curves: int, seed: int) -> str:
    """The Markdown table: a method's times in ms, with how many times faster than the recipe."""
    times, flaws = median_times(num_curves, seed), quality(num_curves, seed)
    heads = [*(f"n = {n}" for n in LENGTHS), "RSS > 1 % worse", "t* > 5 off", "exceptions"]
    lines = [f"| fit | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for method in times:
        cells = [
            f"{ms:.2f} ms ({base / ms:.1f}x)"
            for ms, base in zip(times[method], times[RELEASED], strict=True)
        ]
        cells += [f"{100 * share:.1f} %" for share in flaws[method]]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=300, help="fits per method and length")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(table(args.curves, args.seed))


if __name__ == "__main__":
    main()
