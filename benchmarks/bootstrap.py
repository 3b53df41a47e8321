"""The Poisson bootstrap of ten million units, beside SciPy's and one written by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from abtest.stats import ResampledComparison, SampleQuantile, ValueCounts, bootstrap
from benchmarks.distributions import DISTINCT, UNITS, counted_arms
from benchmarks.peak import alone
from benchmarks.timing import Measured, medians

REPLICATES = 10_000
SMALL = 10_000
"""Units of both arms for which SciPy is timed."""
SECONDS, MEGABYTES, ERRORS = 1.0, 500.0, 4.0
QUANTILES = {"mean": None, "p90": 0.9}
Arms = tuple[ValueCounts, ValueCounts]


def own(arms: Arms, name: str) -> ResampledComparison:
    """Return abtest's answer."""
    share = QUANTILES[name]
    return bootstrap(
        *arms,
        seed=1,
        statistic="mean" if share is None else SampleQuantile(share),
        method="poisson",
        replicates=REPLICATES,
    )


def limits(name: str) -> list[float | None]:
    """Return abtest's limits for all units; for a process of its own."""
    return list(own(counted_arms(), name).interval)


def of_units(name: str) -> Callable[..., Any]:
    """Return the statistic for SciPy, of units along an axis."""
    share = QUANTILES[name]

    def difference(control: Any, treatment: Any, axis: int = -1) -> Any:
        if share is None:
            return np.mean(treatment, axis=axis) - np.mean(control, axis=axis)
        rank = int(np.ceil(share * control.shape[axis])) - 1
        low, high = (
            np.take(np.partition(arm, rank, axis=axis), rank, axis=axis)
            for arm in (control, treatment)
        )
        return high - low

    return difference


def with_scipy(arms: Arms, name: str) -> Any:
    """Return the replicates of SciPy's bootstrap, which copies units."""
    from scipy.stats import bootstrap

    return bootstrap(
        tuple(np.repeat(arm.values, arm.counts) for arm in arms),
        of_units(name),
        n_resamples=REPLICATES,
        batch=200,
        method="percentile",
        rng=np.random.default_rng(5),
    ).bootstrap_distribution


def by_hand(arms: Arms, name: str) -> Any:
    """Return the replicates of drawing how often each distinct value occurs."""
    share = QUANTILES[name]
    rng = np.random.default_rng(6)
    found = []
    for arm in arms:
        parts = []
        for _ in range(REPLICATES // 1_000):
            weights = rng.poisson(arm.counts, size=(1_000, arm.counts.size))
            reached = np.cumsum(weights, axis=1)
            if share is None:
                parts.append(weights @ arm.values / reached[:, -1])
            else:
                needed = np.ceil(share * reached[:, -1])
                parts.append(arm.values[(reached < needed[:, None]).sum(axis=1)])
        found.append(np.concatenate(parts))
    return found[1] - found[0]


def apart(interval: tuple[float | None, ...], replicates: Any) -> float:
    """Return how far both limits are from those of other replicates, in Monte Carlo errors.

    Counted in shares of the replicates: below a lower limit 2.5% are expected, and where
    replicates are equal to it, any share from those below it to those up to it.
    """
    error = np.sqrt(2.0 * 0.025 * 0.975 / REPLICATES)
    lower, upper = (np.inf if end is None else end for end in interval)
    distances = [
        max(np.mean(side < end) - 0.025, 0.025 - np.mean(side <= end), 0.0)
        for side, end in ((replicates, lower), (-replicates, -upper))
    ]
    return float(max(distances) / error)


@dataclass(frozen=True)
class Beside:
    """The other computations of one statistic."""

    seconds: float
    scipy_seconds: float
    errors: float


def measured(arms: Arms, small: Arms, name: str) -> Beside:
    """Return the times, and the greatest distance of the intervals."""
    kept: dict[str, Any] = {}

    def scipy() -> None:
        kept["scipy"] = with_scipy(small, name)

    seconds, scipy_seconds = medians(lambda: own(arms, name), scipy, repeats=3)
    errors = max(
        apart(own(small, name).interval, kept["scipy"]),
        apart(own(arms, name).interval, by_hand(arms, name)),
    )
    return Beside(seconds, scipy_seconds * UNITS / SMALL, errors)


def measure() -> list[Measured]:
    """Return the time and the memory of a bootstrap of the mean and of a quantile."""
    arms = counted_arms()
    small = counted_arms(SMALL)
    rows = []
    for name in QUANTILES:
        found = measured(arms, small, name)
        _, peak = alone(limits, name)
        megabytes = peak / 1e6
        rows.append(
            Measured(
                f"Poisson bootstrap of a difference of {name}s, {UNITS:,} units with {DISTINCT:,} "
                f"distinct values, {REPLICATES:,} replicates, beside `scipy.stats.bootstrap`",
                f"{found.seconds:.3f} s, peak of the whole process {megabytes:.0f} MB (SciPy "
                f"{found.scipy_seconds / 60:.0f} minutes, in proportion from {SMALL:,} units); "
                f"limits at most {found.errors:.1f} Monte Carlo errors from SciPy's, of those "
                "units, and from those of counts drawn by hand, of all",
                f"below {SECONDS:.0f} s and {MEGABYTES:.0f} MB, limits within {ERRORS:.0f} errors",
                found.seconds < SECONDS and megabytes < MEGABYTES and found.errors < ERRORS,
            )
        )
    return rows
