import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import alpha_shares


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20), st.floats(0.001, 0.5))
def test_shares_sum_to_alpha_and_keep_the_proportions(weights, alpha):
    shares = alpha_shares(weights, alpha)
    assert sum(shares) == pytest.approx(alpha)
    assert shares[0] * weights[-1] == pytest.approx(shares[-1] * weights[0])


def test_no_tests_share_nothing():
    assert alpha_shares([], 0.05) == ()


@pytest.mark.parametrize(
    "weights",
    [
        [1, 0],
        [1, -1],
        [math.inf],
        [math.nan, 1],
        [None, 1],
        None,
        5.0,
        "11",
        ["1", "2"],
        ["a"],
        [True, True],
        np.array([True]),
        {},
        {"a": 1.0},
        {1, 2},
        [[1, 2], [3, 4]],
        [[1], [2, 3]],
        [{"a": 1}],
        [1j],
        [object()],
    ],
)
def test_what_are_no_weights_is_refused_in_words(weights):
    with pytest.raises(UsageError) as caught:
        alpha_shares(weights, 0.05)
    assert caught.value.given
    assert caught.value.todo


@pytest.mark.parametrize("alpha", [5, 0, 1, -0.1, math.nan, None, "0.05", True, [0.05], 0.05j])
def test_what_is_no_alpha_is_refused_in_words(alpha):
    with pytest.raises(UsageError) as caught:
        alpha_shares([1, 1], alpha)
    assert caught.value.given
    assert caught.value.todo


def test_weights_at_the_edge_of_numbers_are_shared_too():
    assert alpha_shares([1e308, 1e308], 0.05) == (0.025, 0.025)
    assert alpha_shares(np.array([3, 1]), 0.04) == pytest.approx((0.03, 0.01))
