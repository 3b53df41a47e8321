import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_means
from abtest.stats.columns import arm_counts

samples = st.lists(st.integers(-20, 20), min_size=1, max_size=30)


@given(samples)
def test_they_have_the_moments_of_the_raw_values(values):
    got, want = ValueCounts.from_values(values).moments(), Moments.from_columns([values])
    assert got.n == want.n
    assert got.mean[0] == pytest.approx(want.mean[0], rel=1e-9, abs=1e-12)
    assert got.m2[0, 0] == pytest.approx(want.m2[0, 0], rel=1e-9, abs=1e-12)


@given(samples, st.data())
def test_any_partition_merges_to_the_whole(values, data):
    cut = data.draw(st.integers(0, len(values)))
    merged = ValueCounts.from_values(values[:cut]) + ValueCounts.from_values(values[cut:])
    whole = ValueCounts.from_values(values)
    assert merged.values.tolist() == whole.values.tolist()
    assert merged.counts.tolist() == whole.counts.tolist()


def test_a_large_offset_costs_no_digits():
    values = 1.7e9 + np.array([0.0, 50.0, 100.0])
    moments = ValueCounts.from_table(values, [10**6, 10**6, 10**6]).moments()
    assert moments.m2[0, 0] / moments.n == pytest.approx(5000 / 3, rel=1e-12)


def test_one_repeated_value_has_no_variation():
    assert ValueCounts.from_table([0.1], [3]).moments().m2[0, 0] == 0.0


def test_nulls_are_counted_and_zeros_of_both_signs_are_one_value():
    counts = ValueCounts.from_values([np.nan, -0.0, 0.0])
    assert (counts.n, counts.nulls, counts.values.size) == (2, 1, 1)
    assert str(counts.values[0]) == "0.0"


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ([1.0, 2.0], [1]),
        ([[1.0]], [[1]]),
        ([1.0], [-1]),
        ([1.0], [0.5]),
        ([1.0], [float("nan")]),
        ([float("inf")], [1]),
    ],
)
def test_what_is_no_table_of_counts_is_refused(values, counts):
    with pytest.raises(UsageError) as caught:
        ValueCounts.from_table(values, counts)
    assert caught.value.given
    assert caught.value.todo


def test_arrays_moments_and_value_counts_get_the_same_answer():
    rng = np.random.default_rng(5)
    control, treatment = rng.poisson(3, 200), rng.poisson(3.4, 150)
    answers = [
        compare_means(control, treatment),
        compare_means(Moments.from_columns([control]), Moments.from_columns([treatment])),
        compare_means(ValueCounts.from_values(control), ValueCounts.from_values(treatment)),
    ]
    for answer in answers[1:]:
        assert answer.p_value == pytest.approx(answers[0].p_value, rel=1e-9)
        assert answer.relative.upper == pytest.approx(answers[0].relative.upper, rel=1e-9)


def test_methods_on_values_refuse_moments_and_infinite_values():
    with pytest.raises(UsageError, match="Moments do not tell"):
        arm_counts(Moments.from_counts(10, 3), "control")
    with pytest.raises(NotEstimable) as caught:
        arm_counts([1.0, float("inf")], "control")
    assert caught.value.code == "not_finite"
