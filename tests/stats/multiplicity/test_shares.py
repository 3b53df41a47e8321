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
    ("weights", "alpha"), [([1, 0], 0.05), ([1, -1], 0.05), ([float("inf")], 0.05), ([1], 5)]
)
def test_impossible_shares_are_refused(weights, alpha):
    with pytest.raises(UsageError):
        alpha_shares(weights, alpha)
