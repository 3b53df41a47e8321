from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(values, st.data())
def test_merging_any_partition_gives_the_moments_of_all(x, data):
    y = data.draw(st.lists(st.floats(-1e3, 1e3), min_size=len(x), max_size=len(x)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(x)), max_size=4)))
    edges = [0, *cuts, len(x)]
    merged = Moments.from_columns([[], []])
    for start, end in pairwise(edges):
        merged = merged + Moments.from_columns([x[start:end], y[start:end]])
    whole = Moments.from_columns([x, y])
    assert merged.n == whole.n
    assert merged.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-9)
    scale = float(np.sqrt(np.sum(np.square(x)) * np.sum(np.square(y)))) + np.sum(np.square(x))
    assert merged.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-12 * scale + 1e-9)


def test_merging_does_not_depend_on_the_order():
    rng = np.random.default_rng(1)
    first, second, third = (Moments.from_columns(rng.normal(size=(2, n))) for n in (3, 50, 7))
    left, right = (first + second) + third, third + (second + first)
    assert left.mean == pytest.approx(right.mean, rel=1e-13)
    assert left.m2 == pytest.approx(right.m2, rel=1e-12)


def test_a_timestamp_sized_mean_keeps_nine_digits_of_the_variance():
    deviations = np.random.default_rng(2).normal(0, 50, (2, 10_000))
    exact = Moments.from_columns(deviations.round(3))
    shifted = Moments.from_columns(deviations.round(3) + 1.7e9)
    assert shifted.covariance == pytest.approx(exact.covariance, rel=1e-9, abs=1e-6)

    pilot = 1.7e9 + 20.0
    centred = deviations.round(3) - 20.0
    summed = Moments.from_pilot_sums(
        10_000, [pilot, pilot], centred.sum(axis=1), centred @ centred.T
    )
    assert np.diag(summed.covariance) == pytest.approx(np.diag(exact.covariance), rel=1e-9)
    assert summed.covariance[0, 1] == pytest.approx(exact.covariance[0, 1], rel=1e-9)


def test_a_unit_with_a_null_in_any_variable_is_counted_and_left_out():
    nan = float("nan")
    moments = Moments.from_columns([[1.0, nan, 3.0, 4.0], [1.0, 2.0, nan, 8.0]])
    assert (moments.n, moments.nulls) == (2, 2)
    assert moments.mean.tolist() == [2.5, 4.5]
    assert (moments + moments).nulls == 4


def test_no_units_leave_zero_moments_of_the_right_shape():
    empty = Moments.from_columns([[float("nan")], [1.0]])
    assert (empty.n, empty.nulls, empty.m2.shape) == (0, 1, (2, 2))
    assert np.isnan(empty.covariance).all()


def test_a_constant_column_has_no_variance_however_it_was_summed():
    assert Moments.from_columns([[0.1] * 7]).m2[0, 0] == 0.0
    value = 0.1 - 0.37
    sums, squares = 0.0, 0.0
    for _ in range(100_000):
        sums += value
        squares += value * value
    assert Moments.from_pilot_sums(100_000, [0.37], [sums], [[squares]]).m2[0, 0] == 0.0


def test_counts_are_the_moments_of_their_zeros_and_ones():
    from_counts = Moments.from_counts(10, 3, nulls=2)
    from_values = Moments.from_columns([[1.0] * 3 + [0.0] * 7])
    assert from_counts.nulls == 2
    assert from_counts.mean == pytest.approx(from_values.mean)
    assert from_counts.m2 == pytest.approx(from_values.m2)
    assert Moments.from_counts(0, 0).n == 0


@pytest.mark.parametrize(("n", "successes"), [(10, 11), (10, -1), (10, 2.5)])
def test_impossible_counts_are_refused(n, successes):
    with pytest.raises(UsageError, match="whole number"):
        Moments.from_counts(n, successes)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match="equally long"):
        Moments.from_columns([[1.0, 2.0], [1.0]])
