"""The warning of arms too small for the normal distribution, phases included."""

import numpy as np
import pytest

from abtest.stats import (
    EventTimes,
    RepeatedEvents,
    estimate_cumulative_means,
    estimate_survival,
)


def times(n):
    return EventTimes.from_table([1, 2, 3], [n // 4, n // 4, 0], [0, 0, n - 2 * (n // 4)])


def events(n):
    units = np.arange(n)
    return RepeatedEvents.from_values(np.full(n, 5.0), units, 1.0 + units % 5)


def survival(control, treatment):
    return estimate_survival([times(n) for n in control], [times(n) for n in treatment], horizon=3)


def amounts(control, treatment):
    arms = [events(n) for n in control], [events(n) for n in treatment]
    return estimate_cumulative_means(*arms, horizon=4)


@pytest.mark.parametrize("estimate", [survival, amounts])
@pytest.mark.parametrize(
    ("control", "treatment", "few"),
    [
        ([50], [50], False),
        ([500], [49], True),
        ([49], [500], True),
        # 1 / (0.25 / 50 + 0.25 / 10) = 33: half the weight rests on ten units
        ([50, 90], [50, 10], True),
        ([500, 900], [500, 100], False),
        # a small phase weighs little
        ([500, 10], [500, 10], False),
    ],
)
def test_units_that_count_decide_on_the_warning(estimate, control, treatment, few):
    assert ("few_units" in estimate(control, treatment).warnings) is few
