"""Times to an event of ten million units on whole days, beside libraries that take raw rows.

lifelines is measured where it is installed: its releases (0.30.3 is the last) ask for pandas below
3, so that it cannot be locked with the rest (`pip install --no-deps lifelines autograd
autograd-gamma` into `.venv` adds it, and the numbers agree). statsmodels is measured always.
"""

import math
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from abtest.stats import EventTimes, compare_survival, survival_curve
from benchmarks.peak import alone
from benchmarks.statistics import seconds
from benchmarks.timing import Measured

UNITS = 10_000_000
DAYS = 90
HORIZON = 60.0
LIMIT = 0.1
Answer = dict[str, float]
Columns = tuple[Any, Any]
Arms = tuple[EventTimes, EventTimes]


def day_counts(units: int = UNITS) -> Arms:
    """Return both arms: enrolled evenly over 90 days, an event rate of 3% a day, 1% less there."""
    rng = np.random.default_rng(4)
    days = np.arange(1.0, DAYS + 1.0)
    arms = []
    for rate in (0.03, 0.0297):
        left = (1.0 - rate) ** days
        watched = 1.0 - days / DAYS  # longer than this day
        events = (1.0 - rate) ** (days - 1.0) * rate * (watched + 1.0 / DAYS)
        drawn = rng.multinomial(units // 2, np.concatenate([events, left / DAYS]))
        arms.append(EventTimes.from_table(days, drawn[:DAYS], drawn[DAYS:]))
    return arms[0], arms[1]


def raw_rows() -> list[Columns]:
    """Return time and event of every unit of both arms, in no order."""
    rng = np.random.default_rng(5)
    arms = []
    for arm in day_counts():
        times = np.append(np.repeat(arm.times, arm.events), np.repeat(arm.times, arm.censored))
        order = rng.permutation(times.size)
        arms.append((times[order], order < arm.events.sum()))
    return arms


def answers(arms: Any) -> Answer:
    """Return what abtest finds: both curves, the log-rank test, the difference of means."""
    for arm in arms:
        survival_curve(arm)
    found = compare_survival(*arms, horizon=HORIZON)
    test = found.log_rank
    chi_square = math.nan if test is None else test.statistic**2
    return {"chi_square": chi_square, "rmst_difference": found.estimate or math.nan}


def timed(compute: Callable[[list[Columns]], Answer]) -> Answer:
    """Return an answer from raw rows with its seconds; making the rows does not count."""
    arms = raw_rows()
    start = time.perf_counter()
    found = compute(arms)
    return {**found, "seconds": time.perf_counter() - start}


def with_abtest() -> Answer:
    """From raw rows, their aggregation included; for a process of its own, as those below."""
    return timed(lambda arms: answers([EventTimes.from_values(*arm) for arm in arms]))


def with_statsmodels() -> Answer:
    """The same by statsmodels, which has no restricted mean: the area under its curve."""
    duration = import_module("statsmodels.duration.survfunc")

    def compute(arms: list[Columns]) -> Answer:
        means = []
        for arm in arms:
            curve = duration.SurvfuncRight(*arm)
            steps = np.concatenate([[0.0], curve.surv_times[curve.surv_times < HORIZON], [HORIZON]])
            means.append(np.diff(steps) @ np.append(1.0, curve.surv_prob)[: steps.size - 1])
        columns = [np.concatenate(column) for column in zip(*arms, strict=True)]
        group = np.repeat([0, 1], [arm[0].size for arm in arms])
        chi_square, _ = duration.survdiff(*columns, group)
        return {"chi_square": float(chi_square), "rmst_difference": float(means[1] - means[0])}

    return timed(compute)


def with_lifelines() -> Answer:
    """The same by lifelines, without a variance of the difference, which it has not."""
    lifelines = import_module("lifelines")
    tests, utilities = import_module("lifelines.statistics"), import_module("lifelines.utils")

    def compute(arms: list[Columns]) -> Answer:
        curves = [lifelines.KaplanMeierFitter().fit(*arm) for arm in arms]
        means = [utilities.restricted_mean_survival_time(curve, t=HORIZON) for curve in curves]
        (first, seen), (second, also_seen) = arms
        test = tests.logrank_test(first, second, seen, also_seen)
        return {
            "chi_square": float(test.test_statistic),
            "rmst_difference": float(means[1] - means[0]),
        }

    return timed(compute)


def measure() -> list[Measured]:
    """Return the time after the aggregation, and of raw rows by abtest and by others."""
    arms = day_counts()
    own = answers(arms)
    after = seconds(lambda: answers(arms), number=1)
    libraries: dict[str, Callable[[], Answer]] = {
        "abtest": with_abtest,
        "statsmodels": with_statsmodels,
    }
    if find_spec("lifelines"):
        libraries["lifelines"] = with_lifelines
    words, same = [], True
    for name, compute in libraries.items():
        found, peak = alone(compute)
        words.append(f"{name} {found['seconds']:.1f} s and {peak / 1e9:.1f} GB")
        same = same and all(math.isclose(own[key], found[key], rel_tol=1e-6) for key in own)
    if "lifelines" not in libraries:
        words.append("lifelines is not installed")
    return [
        Measured(
            f"Kaplan-Meier of both arms, log-rank and RMST difference of {UNITS:,} units on "
            f"{DAYS} days, after their aggregation",
            f"{after:.4f} s (from the raw rows, once each, with the peak of the process: "
            f"{'; '.join(words)}); {'the same' if same else 'OTHER'} numbers",
            f"below {LIMIT:g} s, the same numbers",
            after < LIMIT and same,
        )
    ]
