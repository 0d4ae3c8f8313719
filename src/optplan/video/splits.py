"""The split of a data set into training, internal validation and test videos."""

import logging
from collections import Counter

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

# Orders in which the groups are tried; the one that comes closest to the wanted sizes is kept.
_ATTEMPTS = 32

# A class without a video in the drawn set outweighs any number of videos too many or too few.
_ABSENT = 1e9


def split_videos(
    audit: pd.DataFrame,
    *,
    seed: int,
    test_fraction: float = 0.25,
    validation_fraction: float | None = None,
) -> pd.DataFrame:
    """Divide the usable videos of an audit into the subsets "train", "val" and "test".

    A test set that the index gives is kept; else `test_fraction` of the videos is drawn. So is a
    validation set; else it is split off the original training set (Sec. 5.1): as large as the test
    set, or `validation_fraction` of the original training set. As large as the test set, but at
    most a third of the training set where more than half of it would go.

    Both draws keep the share of each class, and never divide a group; videos of the same content
    (sha1) count as one group. A class with at least three groups is in all three subsets as far
    as the groups allow; one with two groups in training and test, one with a single group in
    training. The result depends on `seed` and the set of rows, not on their order.

    Returns the rows with status "ok", sorted by video, with `subset` and the integer `target`,
    the position of the label among the sorted labels. Raises ValueError when a subset would be
    empty or a class could be validated or tested but not learned.
    """
    _check_fraction("test_fraction", test_fraction)
    if validation_fraction is not None:
        _check_fraction("validation_fraction", validation_fraction)
    table = audit[audit["status"] == "ok"].sort_values("video", ignore_index=True)
    if table.empty:
        raise ValueError(f"none of the {len(audit)} videos of the audit can be used")
    names = sorted(set(table["label"]))
    table["target"] = table["label"].map({name: target for target, name in enumerate(names)})
    groups = _merge_copies(table)

    if set(table["subset"]) <= {""}:
        size = max(1, round(test_fraction * len(table)))
        chosen = _draw(table["target"], groups, size=size, reserve=2, seed=[seed, 0])
        table["subset"] = np.where(chosen, "test", "train")
    else:
        _check_given(table)
        _warn_of_shared_groups(table, groups)
    if "val" not in set(table["subset"]):
        training = table[table["subset"] == "train"]
        targets, own = training["target"], groups[training.index]
        size = _validation_size(table, validation_fraction)
        chosen = _draw(targets, own, size=size, reserve=1, seed=[seed, 1])
        table.loc[training.index[chosen], "subset"] = "val"
    _check_subsets(table)
    return table


def _check_fraction(key: str, value: float) -> None:
    if not 0 < value <= 0.5:
        raise ValueError(f"{key} is {value}; it must be above 0 and at most 0.5")


def _check_given(table: pd.DataFrame) -> None:
    """Raise ValueError unless every row is in a given training, test or validation set."""
    given = Counter(table["subset"])
    if set(given) - {"val"} != {"train", "test"}:
        found = ", ".join(f"{given[subset]} with subset {subset!r}" for subset in sorted(given))
        raise ValueError(
            f"the index must give 'train', 'test' or 'val' to all of the usable videos, the first "
            f"two at least once, or leave all of them empty; there are {found}"
        )


def _validation_size(table: pd.DataFrame, fraction: float | None) -> int:
    available = int((table["subset"] == "train").sum())
    if fraction is not None:
        return max(1, round(fraction * available))
    size = len(table) - available
    if 2 * size <= available:
        return size
    capped = max(1, available // 3)
    logger.warning(
        "a validation set as large as the test set (%d videos) would leave less than half of the "
        "%d training videos for training; it has a third of them, %d, instead",
        *(size, available, capped),
    )
    return capped


def _merge_copies(table: pd.DataFrame) -> np.ndarray:
    """One number per row, equal for rows that share a group or, through copies, are linked."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.arange(len(table))
    links = coo_array((len(rows), len(rows)))
    for column in ("group", "sha1"):
        _, first, codes = np.unique(
            table[column].to_numpy(dtype=object), return_index=True, return_inverse=True
        )
        links = links + coo_array((np.ones(len(rows)), (rows, first[codes])), shape=links.shape)
    return connected_components(links, directed=False)[1]


def _draw(
    targets: pd.Series, groups: np.ndarray, *, size: int, reserve: int, seed: list[int]
) -> np.ndarray:
    """Choose whole groups with about `size` videos in the proportions of the classes.

    `reserve` groups of a class are left over where it has more than that, else all but one.
    Greedy over random orders of the groups: a group is taken if that brings the class counts
    and the total closer to the wanted ones. Returns a boolean mask over the rows.
    """
    members: list[Counter] = [Counter() for _ in range(int(groups.max()) + 1)]
    for target, group in zip(targets, groups, strict=True):
        members[group][target] += 1
    candidates = [group for group, counts in enumerate(members) if counts]
    wanted = _apportion(Counter(targets), size)
    present = Counter(target for group in candidates for target in members[group])
    spare = {target: count - max(1, min(reserve, count - 1)) for target, count in present.items()}

    rng = np.random.default_rng(seed)
    best, smallest = [], np.inf
    for _ in range(_ATTEMPTS):
        order = [candidates[i] for i in rng.permutation(len(candidates))]
        taken, miss = _take_groups(order, members, wanted, dict(spare))
        if miss < smallest:
            best, smallest = taken, miss
        if smallest == 0:
            break
    return np.isin(groups, best)


def _take_groups(
    order: list[int], members: list[Counter], wanted: dict[int, int], spare: dict[int, int]
) -> tuple[list[int], float]:
    """The groups taken in this order, and how far their counts are from `wanted`."""

    def miss(target: int, count: int) -> float:
        absent = _ABSENT if count == 0 and able[target] else 0
        return abs(wanted[target] - count) + absent

    able = {target: groups > 0 for target, groups in spare.items()}
    counts = dict.fromkeys(wanted, 0)
    surplus = -sum(wanted.values())
    taken = []
    for group in order:
        videos = members[group]
        if not all(spare[target] for target in videos):
            continue
        larger = surplus + videos.total()
        change: float = abs(larger) - abs(surplus)
        for target, number in videos.items():
            change += miss(target, counts[target] + number) - miss(target, counts[target])
        if change < 0:
            taken.append(group)
            surplus = larger
            for target, number in videos.items():
                counts[target] += number
                spare[target] -= 1
    return taken, abs(surplus) + sum(miss(target, count) for target, count in counts.items())


def _apportion(counts: Counter, size: int) -> dict[int, int]:
    """Divide `size` among the classes in proportion to `counts`, by largest remainders."""
    exact = {target: size * count / counts.total() for target, count in counts.items()}
    shares = {target: int(value) for target, value in exact.items()}
    by_remainder = sorted(exact, key=lambda target: (shares[target] - exact[target], target))
    for target in by_remainder[: size - sum(shares.values())]:
        shares[target] += 1
    return shares


def _warn_of_shared_groups(table: pd.DataFrame, groups: np.ndarray) -> None:
    """Given subsets are kept as they are, but a group in two of them makes testing too easy."""
    subsets = table["subset"].groupby(groups).nunique()
    shared = subsets.index[subsets > 1]
    if len(shared):
        examples = table["video"][groups == shared[0]].tolist()[:2]
        logger.warning(
            "%d groups are in more than one of the given subsets, first that of %s",
            *(len(shared), " and ".join(examples)),
        )


def _check_subsets(table: pd.DataFrame) -> None:
    labels = table.groupby("subset")["label"].agg(set).to_dict()
    for subset in ("test", "val", "train"):
        if subset not in labels:
            raise ValueError(
                f"no group of videos is left for the {subset} set; the data set needs at least "
                f"one class with three groups"
            )
    for subset in ("val", "test"):
        unknown = sorted(labels[subset] - labels["train"])
        if unknown:
            raise ValueError(
                f"the {subset} set has classes without a training video: "
                + ", ".join(map(repr, unknown))
            )
        missing = sorted(labels["train"] - labels[subset])
        if missing:
            logger.warning(
                "the %s set has no video of %d classes, first %r",
                *(subset, len(missing), missing[0]),
            )
