"""Performance-epoch curves: four unimodal families and their fit (Sec. 3.3, Eq. 3-4, Table 1).

Every family is f(t) = g(t) + h(t) over epochs t >= 0. The convergence g(t) = e - sum_j a_j decay_j
rises towards its bound e; the overfitting h(t) = -c t - d t^2 is a concave quadratic:

    exponential        decay(t) = exp(-b t)        1/200 <= b <= 3 per epoch
    multi-exponential  two such terms
    power              decay(t) = (1 + t)^(-b)     0.1 <= b <= 4
    multi-power        two such terms

with a_j >= 0, d >= 0, and c, e free. Increasing and bounded is not enough for g: with an S-shaped
g the sum can have two maxima. Here g is concave as well, so f is concave and has one maximum. A
negative c lets the fit follow a curve that still rises; then d, or the horizon, ends the rise.

Both decays are exp(-b u) on a clock u, which is t or log(1 + t): this is all that tells them apart.
"""

from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

FAMILIES = ("power", "multi-power", "exponential", "multi-exponential")
MIN_OBSERVATIONS = 5  # as many as the single-term families have parameters

RATE_BOUNDS = {"exponential": (1 / 200, 3.0), "power": (0.1, 4.0)}
GRID_SIZES = {1: 48, 2: 24}  # rates tried for the start values, by the number of terms
RESOLUTION = 1e-9  # relative to the range of the scores: finer differences are rounding
LARGEST = 1e290  # of the scores: beyond it, the range or a parameter could overflow


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted curve in the unit of the scores: t in epochs, `a` and `b` with one entry a term.

    `rmse` and `r2` are over the observations, `residual_std` allows for the fitted parameters.
    `r2` is 1 for scores without any variation, which every family describes exactly.
    """

    family: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    c: float
    d: float
    e: float
    num_observations: int
    rmse: float
    r2: float
    residual_std: float

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name: a, b, c, d, e; or a1, a2, b1, b2, c, d, e with two terms."""
        numbers = [""] if len(self.a) == 1 else range(1, len(self.a) + 1)
        named = {
            f"{letter}{k}": value
            for letter, values in (("a", self.a), ("b", self.b))
            for k, value in zip(numbers, values, strict=True)
        }
        return named | {"c": self.c, "d": self.d, "e": self.e}

    def value(self, t):
        """f(t): a float for a number, an array for an array of epochs."""
        t = np.asarray(t, dtype=float)
        clock = _clock(self.family, t)
        g = self.e - sum(a * np.exp(-b * clock) for a, b in zip(self.a, self.b, strict=True))
        f = g - self.c * t - self.d * t**2
        return f if f.ndim else float(f)

    def peak(self, max_epochs: int) -> int:
        """The epoch t* of the greatest f(t) over the integers 0..max_epochs, the earliest of ties.

        Values closer than a billionth of f's range over the observed epochs are ties, so that a
        saturated curve does not owe its knee to rounding.
        """
        values = self.value(np.arange(max_epochs + 1))
        observed = self.value(np.arange(self.num_observations))
        return int(np.argmax(values >= values.max() - RESOLUTION * np.ptp(observed)))


def fit(scores, family: str = "exponential") -> Fit:
    """The least-squares fit of `family` to the scores y_0..y_t, by Trust Region Reflective.

    Scores are shifted and divided by their range, and epochs by the observed span, so the unit of
    accuracy cannot matter. Start values come from a coarse search over the rates, the only
    parameters that f is not linear in; this finds the basin of the global optimum. Any
    `MIN_OBSERVATIONS` or more finite scores can be fitted; ValueError otherwise.
    """
    from scipy.optimize import least_squares

    y = _checked(scores, family)
    low, scale = y.min(), np.ptp(y)
    if scale <= RESOLUTION * np.abs(y).max():
        y, scale = np.full_like(y, low), 1.0
    # Rounded, the same curve in percent and in fractions is the same to the last bit.
    z = np.round((y - low) / scale, 9)
    s = np.linspace(0.0, 1.0, len(z))
    clock = _clock(family, np.arange(len(z), dtype=float))
    num_terms = _num_terms(family)

    start = _start(family, z, s, clock)
    lower, upper = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    lower[2 : 3 + num_terms] = 0.0
    lower[3 + num_terms :], upper[3 + num_terms :] = np.log(RATE_BOUNDS[_decay(family)])

    def residuals(theta: np.ndarray) -> np.ndarray:
        return _model(theta, s, clock) - z

    result = least_squares(
        residuals,
        np.clip(start, lower + 1e-6, upper - 1e-6),
        jac=partial(_jacobian, s=s, clock=clock),
        bounds=(lower, upper),
        method="trf",
        x_scale="jac",
        # The top of a curve is flat: a looser fit moves the knee by epochs.
        ftol=1e-10,
        gtol=1e-10,
        max_nfev=100,
    )
    improved = 2 * result.cost < np.sum((_model(start, s, clock) - z) ** 2)
    return _in_units(result.x if improved else start, y, family, low, scale)


def _checked(scores, family: str) -> np.ndarray:
    if family not in FAMILIES:
        raise ValueError(f"curve family {family!r} must be one of {', '.join(FAMILIES)}")
    y = np.asarray(scores, dtype=float)
    if y.ndim != 1 or len(y) < MIN_OBSERVATIONS:
        raise ValueError(
            f"a curve needs at least {MIN_OBSERVATIONS} scores in a row, got shape {y.shape}"
        )
    finite = np.abs(y) <= LARGEST
    if not finite.all():
        epoch = int(np.argmin(finite))
        raise ValueError(
            f"the score of epoch {epoch} is {y[epoch]}, it must be finite (and within {LARGEST:g})"
        )
    return y


def _decay(family: str) -> str:
    return family.removeprefix("multi-")


def _num_terms(family: str) -> int:
    return 2 if family.startswith("multi-") else 1


def _clock(family: str, t: np.ndarray) -> np.ndarray:
    return t if _decay(family) == "exponential" else np.log1p(t)


# theta = (e, c, d, a_1.., log b_1..), with scaled scores and the quadratic in s = t / span.


def _model(theta: np.ndarray, s: np.ndarray, clock: np.ndarray) -> np.ndarray:
    a, log_b = np.split(theta[3:], 2)
    g = theta[0] - a @ np.exp(-np.exp(log_b)[:, None] * clock)
    return g - theta[1] * s - theta[2] * s**2


def _jacobian(theta: np.ndarray, s: np.ndarray, clock: np.ndarray) -> np.ndarray:
    a, log_b = np.split(theta[3:], 2)
    age = np.exp(log_b)[:, None] * clock
    decay = np.exp(-age)
    return np.stack([np.ones_like(s), -s, -(s**2), *-decay, *(a[:, None] * age * decay)], axis=1)


def _start(family: str, z: np.ndarray, s: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """The best theta over a grid of rates, with all linear parameters solved exactly.

    With the rates fixed, f is linear in the rest, and only a and d have a sign. The best solution
    with signs is the unsigned one on its own support, so trying every support finds it.
    """
    num_terms = _num_terms(family)
    rates = np.geomspace(*RATE_BOUNDS[_decay(family)], GRID_SIZES[num_terms])
    columns = np.stack([*-np.exp(-rates[:, None] * clock), -(s**2)], axis=1)
    free = np.stack([np.ones_like(s), -s], axis=1)
    basis, _ = np.linalg.qr(free)
    signed = columns - basis @ (basis.T @ columns)
    signed /= np.linalg.norm(signed, axis=0)
    # Not `@`: its threads and those of scipy's own BLAS would wait for each other, 8 ms a fit.
    gram = np.einsum("ni,nj->ij", signed, signed)
    support = _best_support(gram, signed.T @ z, num_terms)

    chosen = np.concatenate([free, columns[:, support]], axis=1)
    solution = np.linalg.lstsq(chosen, z, rcond=None)[0]
    theta = np.zeros(3 + 2 * num_terms)
    theta[:2] = solution[:2]
    theta[3 + num_terms :] = np.log(rates[len(rates) // 2])
    terms = [k for k in support if k < len(rates)]
    if len(terms) < len(support):
        theta[2] = max(solution[-1], 0.0)
    theta[3 : 3 + len(terms)] = np.maximum(solution[2 : 2 + len(terms)], 0.0)
    theta[3 + num_terms : 3 + num_terms + len(terms)] = np.log(rates[terms])
    return theta


def _best_support(gram: np.ndarray, moments: np.ndarray, num_terms: int) -> list[int]:
    """The set of unit columns that explains most with positive weights: <= num_terms decays, and d.

    The last column is the quadratic's. Nearly dependent sets are left out.
    """
    quadratic = len(gram) - 1
    best, explained = [], 0.0
    for size in range(1, num_terms + 2):
        sets = np.array(
            [
                (*decays, *last)
                for last in ((), (quadratic,))
                if 0 <= size - len(last) <= num_terms
                for decays in combinations(range(quadratic), size - len(last))
            ]
        )
        grams = gram[sets[:, :, None], sets[:, None, :]]
        independent = np.linalg.det(grams) > 1e-12
        sets, grams = sets[independent], grams[independent]
        weights = np.linalg.solve(grams, moments[sets][:, :, None])[:, :, 0]
        gains = np.where((weights > 0).all(axis=1), (weights * moments[sets]).sum(axis=1), 0.0)
        if len(gains) and gains.max() > explained:
            best, explained = sets[gains.argmax()].tolist(), gains.max()
    return best


def _in_units(theta: np.ndarray, y: np.ndarray, family: str, low: float, scale: float) -> Fit:
    n, span = len(y), len(y) - 1
    a, log_b = np.split(theta[3:], 2)
    fastest_first = np.argsort(-log_b, kind="stable")
    t = np.arange(n, dtype=float)
    # Scaled, so that the squares of no unit overflow or vanish.
    z = (y - low) / scale
    residuals = _model(theta, t / span, _clock(family, t)) - z
    rss, tss = float(residuals @ residuals), float(np.sum((z - z.mean()) ** 2))
    return Fit(
        family=family,
        a=tuple((scale * a[fastest_first]).tolist()),
        b=tuple(np.exp(log_b[fastest_first]).tolist()),
        c=float(scale * theta[1] / span),
        d=float(scale * theta[2] / span**2),
        e=float(low + scale * theta[0]),
        num_observations=n,
        rmse=float(scale * (rss / n) ** 0.5),
        r2=1 - rss / tss if tss > 0 else 1.0,
        residual_std=float(scale * (rss / max(1, n - len(theta))) ** 0.5),
    )
