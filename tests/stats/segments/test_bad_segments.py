import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    ArmPair,
    NotEstimable,
    ScorePair,
    heterogeneity,
    heterogeneity_by_dimension,
)

PAIR = ArmPair(1.0, 2.0, ((0.1, 0.0), (0.0, 0.1)), None, 10, 10, "z")


@pytest.mark.parametrize(
    ("estimates", "variances"),
    [
        ([1.0, 2.0], None),
        ([1.0, 2.0], [1.0]),
        ([1.0, None], [1.0, 1.0]),
        ([1.0, 2.0], [1.0, np.nan]),
        ([1.0, 2.0], [1.0, -1.0]),
        ([1.0, "2"], [1.0, 1.0]),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        ({"a": 1.0}, [1.0]),
        ({"a": 1.0, "b": 2.0}, {"a": 1.0, "c": 1.0}),
        (np.array([1.0, 2.0]), None),
        (3.0, None),
        ([PAIR, 1.0], None),
        ([], None),
    ],
)
def test_what_are_no_segments_is_refused(estimates, variances):
    with pytest.raises(UsageError):
        heterogeneity(estimates, variances)


@pytest.mark.parametrize(
    ("estimates", "variances", "code"),
    [
        ([], [], "too_few_units"),
        ([1.0], [1.0], "too_few_units"),
        ([1.0, 2.0], [1.0, 0.0], "constant"),
        ([0.0, 0.0], [0.0, 0.0], "constant"),
        ([1.0, np.inf], [1.0, 1.0], "not_finite"),
        ([1.0, 2.0], [1.0, np.inf], "not_finite"),
        ([1e300, -1e300], [1.0, 1.0], "not_finite"),
        ([1.0, 2.0], [1e300, 1e-300], "not_finite"),
        ([PAIR], None, "too_few_units"),
        ([PAIR, ScorePair(0, 10, 0, 10)], None, "constant"),
    ],
)
def test_segments_without_a_number_say_why(estimates, variances, code):
    with pytest.raises(NotEstimable) as caught:
        heterogeneity(estimates, variances)
    assert caught.value.code == code


def test_relative_effects_need_a_control():
    nothing = ArmPair(0.0, 2.0, ((0.1, 0.0), (0.0, 0.1)), None, 10, 10, "z")
    with pytest.raises(NotEstimable) as caught:
        heterogeneity([PAIR, nothing], scale="relative")
    assert caught.value.code == "zero_denominator"


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "ml"},
        {"scale": "log"},
        {"confidence_level": 0.0},
        {"confidence_level": 1.0},
        {"confidence_level": "0.95"},
        {"names": ["a"]},
        {"names": ["a", "a"]},
    ],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(UsageError):
        heterogeneity([1.0, 2.0], [1.0, 1.0], **arguments)
    with pytest.raises(UsageError):
        heterogeneity([PAIR, PAIR], **arguments)


def test_names_come_once():
    with pytest.raises(UsageError):
        heterogeneity({"a": PAIR, "b": PAIR}, names=["a", "b"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"dimensions": {}},
        {"dimensions": [{"a": PAIR}]},
        {"alpha": 1.0},
        {"correction": "tukey"},
        {"dimensions": {"a": {"x": 1.0, "y": 2.0}}},
    ],
)
def test_wrong_dimensions_are_refused(arguments):
    given = {"dimensions": {"a": {"x": PAIR, "y": PAIR}}, **arguments}
    with pytest.raises(UsageError):
        heterogeneity_by_dimension(given.pop("dimensions"), **given)


def test_columns_of_every_library_are_segments():
    plain = heterogeneity([1.0, 2.0, 4.0], [1.0, 0.5, 0.3])
    for kind in (np.array, pd.Series, lambda v: pd.Series(v, dtype="Float64"), tuple):
        assert heterogeneity(kind([1.0, 2.0, 4.0]), kind([1.0, 0.5, 0.3])) == plain


def test_values_at_the_ends_of_the_floats_give_the_same_as_ordinary_ones():
    plain = heterogeneity([1.0, 2.0, 4.0, 3.0], [1.0, 0.5, 0.3, 0.2])
    for scale in (1e-140, 1e140):
        got = heterogeneity(
            [scale * y for y in (1.0, 2.0, 4.0, 3.0)],
            [scale * scale * v for v in (1.0, 0.5, 0.3, 0.2)],
        )
        assert got.p_value == pytest.approx(plain.p_value, rel=1e-9)
        assert got.tau2.estimate == pytest.approx(scale**2 * plain.tau2.estimate, rel=1e-9)
