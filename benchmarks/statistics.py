"""The statistics: one comparison from moments, and many in one call."""

import statistics
import timeit
from collections.abc import Callable

import numpy as np

from abtest.stats import (
    MeansDesign,
    Moments,
    MomentsTable,
    compare_means,
    compare_proportions,
    sample_size,
)
from benchmarks.timing import Measured

ROWS = 100_000


def seconds(call: Callable[[], object], number: int) -> float:
    """Return the median seconds of one call, of seven rounds."""
    return statistics.median(timeit.repeat(call, number=number, repeat=7)) / number


def one_comparison() -> float:
    """Return the seconds of a Welch test with Fieller's set, from moments."""
    rng = np.random.default_rng(1)
    control, treatment = (
        Moments.from_columns([rng.exponential(1.0 + lift, 5_000)]) for lift in (0.0, 0.05)
    )
    return seconds(lambda: compare_means(control, treatment), number=5_000)


def many_comparisons() -> float:
    """Return the seconds of the same for 100,000 rows in one call."""
    rng = np.random.default_rng(2)
    arms = []
    for lift in (0.0, 0.05):
        n = rng.integers(200, 50_000, ROWS)
        variance = rng.uniform(0.5, 2.0, ROWS)
        mean = rng.normal(2.0 + lift, np.sqrt(variance / n))
        arms.append(MomentsTable.from_columns(n, mean, variance))
    return seconds(lambda: compare_means(*arms), number=1)


def one_sample_size() -> float:
    """Return the seconds of a sample size by inversion, for t tests that reject together."""
    design = MeansDesign(sd=1.0, test="equivalence", margin=0.1)
    return seconds(lambda: sample_size(design, effect=0.01), number=100)


def one_exact_test() -> float:
    """Return the seconds of Boschloo's test with its intervals, 500 units per arm."""
    control, treatment = Moments.from_counts(500, 100), Moments.from_counts(500, 130)
    return seconds(lambda: compare_proportions(control, treatment, method="boschloo"), number=1)


def measure() -> list[Measured]:
    """Return the time of one comparison and of many."""
    one, many = one_comparison(), many_comparisons()
    return [
        Measured(
            "one Welch comparison with Fieller's set from moments",
            f"{one * 1e6:.0f} microseconds",
            "below 25 microseconds",
            one < 25e-6,
        ),
        Measured(
            f"{ROWS:,} of them in one call",
            f"{many:.3f} s",
            "below 0.1 s",
            many < 0.1,
        ),
        Measured(
            "one sample size by inversion of the power of two t tests",
            f"{1e3 * (size := one_sample_size()):.1f} ms",
            "below 5 ms",
            size < 5e-3,
        ),
        Measured(
            "Boschloo's test with its intervals, 500 units per arm",
            f"{(exact := one_exact_test()):.2f} s",
            "below 1 s",
            exact < 1.0,
        ),
    ]
