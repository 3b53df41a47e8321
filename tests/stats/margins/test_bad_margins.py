import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    ScorePair,
    equivalence,
    estimate_means,
    non_inferiority,
)

ARMS = ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])


@pytest.mark.parametrize("test", [non_inferiority, equivalence])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"margin": 0.1, "margin_absolute": 1.0},
        {"margin": -0.1},
        {"margin": 0.0},
        {"margin": 1.0},
        {"margin": 5},
        {"margin": float("nan")},
        {"margin_absolute": -1.0},
        {"margin_absolute": 0.0},
        {"margin_absolute": float("inf")},
        {"margin_absolute": "1"},
        {"margin_absolute": True},
        {"margin_absolute": [0.1]},
        {"margin": 0.1, "alpha": 0.0},
        {"margin": 0.1, "alpha": 0.5},
        {"margin": 0.1, "alpha": 1.0},
        {"margin": 0.1, "alpha": None},
        {"margin": 0.1, "measure": "median"},
    ],
)
def test_wrong_margins_and_levels_are_refused(test, arguments):
    with pytest.raises(UsageError):
        test(*ARMS, **arguments)


def test_wrong_directions_and_pairs_of_margins_are_refused():
    with pytest.raises(UsageError):
        non_inferiority(*ARMS, margin=0.1, direction="up")
    for margin in [(0.1,), (0.1, -0.1), (1.2, 0.1), (0.1, None)]:
        with pytest.raises(UsageError):
            equivalence(*ARMS, margin=margin)


def test_a_rise_of_more_than_everything_can_be_accepted():
    assert non_inferiority(*ARMS, margin=2.0, direction="decrease").margin == 2.0
    assert equivalence(*ARMS, margin=(0.5, 3.0)).bounds == (-0.5, 3.0)


def test_a_pair_comes_alone():
    pair = estimate_means(
        [Moments.from_columns([ARMS[0]])], [Moments.from_columns([ARMS[1]])], adjusted=False
    )
    for arguments in (
        {"control": pair, "treatment": ARMS[1]},
        {"control": ARMS[0]},
        {"control": pair, "covariates": ARMS},
    ):
        with pytest.raises(UsageError, match="one estimated pair"):
            non_inferiority(**arguments, margin=0.1)


@pytest.mark.parametrize(
    ("control", "treatment", "measure", "code"),
    [
        ([], [1.0, 2.0], "mean", "too_few_units"),
        ([1.0], [1.0, 2.0], "mean", "too_few_units"),
        ([1.0, 1.0], [2.0, 2.0], "mean", "constant"),
        ([1.0, np.inf], [2.0, 2.0], "mean", "not_finite"),
        ([1e300, -1e300], [2.0, 2.0], "mean", "not_finite"),
        ([0.0, 2.0], [1.0, 0.0], "proportion", "not_binary"),
        ([0.0], [1.0, 0.0], "proportion", "too_few_units"),
        (([1.0, 2.0], [0.0, 0.0]), ([1.0, 2.0], [1.0, 2.0]), "ratio", "zero_denominator"),
    ],
)
def test_samples_without_a_number_say_why(control, treatment, measure, code):
    with pytest.raises(NotEstimable) as caught:
        non_inferiority(control, treatment, margin=0.1, measure=measure)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "values",
    [["a", "b"], [[1.0, 2.0], [3.0, 4.0]], np.array(["1", "2"]), [1j, 2.0], None],
)
def test_what_is_no_sample_is_refused(values):
    with pytest.raises(UsageError):
        non_inferiority(values, [1.0, 2.0], margin=0.1)


def test_a_ratio_needs_two_columns():
    for sample in ([1.0, 2.0, 3.0], np.ones(4), (np.ones(3),)):
        with pytest.raises(UsageError, match="numerator"):
            non_inferiority(sample, sample, margin=0.1, measure="ratio")


def test_covariates_of_a_ratio_come_in_pairs():
    sample = ([1.0, 2.0, 4.0], [2.0, 3.0, 3.0])
    for covariates in ((sample,), (sample, [1.0, 2.0, 3.0]), 3.0):
        with pytest.raises(UsageError):
            non_inferiority(sample, sample, margin=0.1, measure="ratio", covariates=covariates)
    found = non_inferiority(
        sample,
        ([2.0, 2.0, 4.5], [2.5, 3.0, 3.0]),
        margin=0.5,
        measure="ratio",
        covariates=(([1.0, 2.0, 2.0], [2.0, 2.0, 3.0]), ([1.0, 1.0, 2.0], [2.0, 4.0, 3.0])),
    )
    assert found.method == "delta_cuped"


def test_bounds_that_no_proportion_reaches_are_not_estimable():
    with pytest.raises(NotEstimable) as caught:
        non_inferiority(ScorePair(1, 10, 2, 10), margin_absolute=1.5)
    assert caught.value.code == "bound_out_of_range"


def test_nulls_and_columns_of_pandas_are_values():
    column = pd.Series([1.0, None, 3.0, 2.0], dtype="Float64")
    masked = np.ma.array([1.0, 9.0, 2.0, 4.0], mask=[False, True, False, False])
    found = non_inferiority(column, masked, margin=0.1)
    assert (found.n_control, found.n_treatment) == (3, 3)


def test_values_at_the_ends_of_the_floats_give_the_same_as_ordinary_ones():
    plain = non_inferiority(*ARMS, margin=0.1).p_value
    for scale in (1e-140, 1e140):
        arms = [[scale * v for v in arm] for arm in ARMS]
        assert non_inferiority(*arms, margin=0.1).p_value == pytest.approx(plain, rel=1e-9)


def test_all_zeros_are_decided_by_the_score_statistic():
    found = non_inferiority([0] * 400, [0] * 400, margin_absolute=0.05, measure="proportion")
    assert found.non_inferior
    assert found.relative.status == "unbounded"
    assert "any relative effect is possible" in found._repr_mimebundle_()[0]["text/html"]
