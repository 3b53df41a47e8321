"""Many adjusted comparisons in one call say what each says alone."""

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, MomentsTable, NotEstimable, compare_means


def rows(seed, count, k, low=8):
    rng = np.random.default_rng(seed)
    arms = ([], [])
    for _ in range(count):
        for arm in arms:
            x = rng.normal(size=(k, rng.integers(low, 60))) * 10.0 ** rng.integers(-3, 4)
            y = x[0] / np.abs(x[0]).max() * 3.0 + rng.normal(size=x.shape[1]) + 1.0
            arm.append(Moments.from_columns([y, *x]))
    return arms


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_every_row_is_its_own_comparison(k, alternative):
    control, treatment = rows(k, 30, k)
    table = compare_means(
        MomentsTable.from_moments(control),
        MomentsTable.from_moments(treatment),
        alternative=alternative,
    )
    assert table.method == "welch_cuped"
    for row, (one, other) in enumerate(zip(control, treatment, strict=True)):
        want = compare_means(one, other, alternative=alternative)
        got = table[row]
        assert got.p_value == pytest.approx(want.p_value, rel=1e-8)
        assert got.df == pytest.approx(want.df, rel=1e-8)
        assert got.control_value == pytest.approx(want.control_value, rel=1e-9)
        assert got.relative.status == want.relative.status
        for left, right in (
            (got.absolute.lower, want.absolute.lower),
            (got.absolute.upper, want.absolute.upper),
            (got.relative.lower, want.relative.lower),
            (got.relative.upper, want.relative.upper),
        ):
            assert (left is None) == (right is None)
            assert left is None or left == pytest.approx(right, rel=1e-6, abs=1e-9)


def test_rows_whose_covariates_cannot_be_used_say_so():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 20)), rng.normal(size=20)
    good = Moments.from_columns([y, *x])
    bad = {
        "covariates_unusable": [
            Moments.from_columns([y, x[0], np.ones(20)]),
            Moments.from_columns([y, x[0], 2.0 * x[0]]),
            Moments.from_columns([y[:3], *x[:, :3]]),
        ],
        "too_few_units": [Moments.from_columns([y[:1], *x[:, :1]])],
        "not_finite": [Moments.from_columns([[np.inf, *y[1:]], *x])],
    }
    for status, cases in bad.items():
        for case in cases:
            table = compare_means(
                MomentsTable.from_moments([good, case]), MomentsTable.from_moments([good, good])
            )
            assert table.status.tolist() == ["ok", status]
            with pytest.raises(NotEstimable):
                table[1]
    itself = Moments.from_columns([y, y, x[1]])
    flat = Moments.from_columns([np.ones(20), *x])
    for case, status in ((itself, "covariates_unusable"), (flat, "constant")):
        both = MomentsTable.from_moments([case])
        assert compare_means(both, both).status.tolist() == [status]


def test_tables_that_do_not_fit_are_refused():
    two, three = (MomentsTable.from_moments(rows(4, 2, k)[0]) for k in (1, 2))
    with pytest.raises(UsageError, match="same covariates"):
        compare_means(two, three)
    with pytest.raises(UsageError, match="Welch"):
        compare_means(two, two, method="z")
