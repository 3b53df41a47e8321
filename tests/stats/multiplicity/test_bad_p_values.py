import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import adjust


@pytest.mark.parametrize(
    "p_values",
    [
        [],
        {},
        [0.1, None],
        [0.1, float("nan")],
        [0.1, float("inf")],
        [0.1, -1e-9],
        [0.1, 1.0 + 1e-9],
        [0.1, "0.2"],
        ["a", "b"],
        [True, False],
        np.array([True, False]),
        pd.Series([True, False]),
        {"a": True},
        {"a": None},
        [[0.1, 0.2], [0.3, 0.4]],
        np.ma.array([0.1, 0.2], mask=[False, True]),
        pd.Series([0.1, None], dtype="Float64"),
        np.array([0.1, None], dtype=object),
        0.05,
    ],
)
def test_what_is_no_family_of_p_values_is_refused(p_values):
    with pytest.raises(UsageError):
        adjust(p_values)


@pytest.mark.parametrize(
    "p_values",
    [
        np.array([0.01, 0.2]),
        np.array([0.01, 0.2], dtype=object),
        pd.Series([0.01, 0.2]),
        pd.Series([0.01, 0.2], dtype="Float64"),
        np.ma.array([0.01, 0.2], mask=[False, False]),
        (0.01, 0.2),
    ],
)
def test_columns_of_every_library_are_a_family(p_values):
    assert adjust(p_values).adjusted == (0.02, 0.2)


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "holm-sidak"},
        {"method": None},
        {"alpha": 0},
        {"alpha": 1},
        {"alpha": "0.05"},
        {"alpha": True},
        {"names": ["a"]},
        {"names": ["a", "a"]},
        {"weights": [1.0]},
        {"weights": [1.0, 0.0]},
        {"weights": [1.0, -1.0]},
        {"weights": [1e308, 1e-300]},
        {"weights": [1.0, float("inf")]},
        {"weights": [1.0, float("nan")]},
        {"weights": {"1": 1.0}},
        {"weights": ["a", "b"]},
        {"weights": [1.0, 1.0], "method": "hommel"},
    ],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(UsageError):
        adjust([0.01, 0.2], **arguments)


def test_names_come_once():
    with pytest.raises(UsageError):
        adjust({"a": 0.1}, names=["b"])


def test_extreme_values_give_numbers_without_warnings():
    for method in ("holm", "bonferroni"):
        got = adjust([0.0, 1e-300, 5e-324, 1.0], method=method, weights=[1e300, 1e20, 1e100, 1e308])
        assert all(0.0 <= p <= 1.0 for p in got.adjusted)
    for method in ("sidak", "hommel", "hochberg", "benjamini_yekutieli"):
        assert adjust([0.0, 1e-300, 5e-324, 1.0], method=method).adjusted[3] == 1.0
