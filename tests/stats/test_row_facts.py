"""A row of a table says what the comparison of that row alone says, besides its numbers."""

import numpy as np
import pytest
from tests.stats.row_by_row import every_row_agrees

from abtest.stats import (
    Moments,
    MomentsTable,
    compare_means,
    compare_proportions,
    compare_rates,
    compare_ratios,
    equivalence,
    non_inferiority,
)
from abtest.stats.row_warnings import warning_rows


def tables(rows):
    return [MomentsTable.from_moments(arm) for arm in zip(*rows, strict=True)]


def with_covariates(rng, pairs=5):
    rows = []
    for _ in range(pairs):
        arms = []
        for _ in range(2):
            past = rng.normal(3.0, 1.0, 30)
            arms.append(Moments.from_columns([past + rng.normal(0.0, 0.4, 30), past]))
        rows.append(tuple(arms))
    return rows


def test_nulls_of_moments_are_in_the_row():
    arm, other = Moments.from_columns([[1, 2, np.nan, 4, 5.0]]), Moments.from_columns([[1, 3, 4.0]])
    table = compare_means(*tables([(arm, other)] * 2))
    assert (table.nulls_control.tolist(), table.nulls_treatment.tolist()) == ([1, 1], [0, 0])
    assert table[0].nulls_control == compare_means(arm, other).nulls_control == 1
    assert table.table["nulls_control"].tolist() == [1, 1]
    assert MomentsTable.from_columns([3], [2.0], [1.5]).nulls == 0


def test_proportions_ratios_rates_and_margins_carry_nulls_too():
    arm = Moments.from_columns([[1, 0, np.nan, 1, 0, np.nan]])
    pair = tables([(arm, Moments.from_counts(9, 4))])
    for method in ("score", "newcombe", "agresti_caffo", "welch", "wald"):
        assert compare_proportions(*pair, method=method)[0].nulls_control == 2
    assert compare_rates(*pair)[0].nulls_control == 2
    assert non_inferiority(*pair, margin=0.9, measure="proportion")[0].nulls_control == 2
    both = Moments.from_columns([[1, 2, 3.0], [2, 3, np.nan]])
    assert compare_ratios(*tables([(both, both)]))[0].nulls_treatment == 1


def test_rows_with_covariates_know_how_much_variance_they_saved():
    rows = with_covariates(np.random.default_rng(3))
    every_row_agrees(compare_means(*tables(rows)), rows, lambda a, b, _: compare_means(a, b))
    saved = [compare_means(*pair).variance_reduction for pair in rows]
    assert compare_means(*tables(rows)).variance_reduction == pytest.approx(saved, rel=1e-9)
    assert min(saved) > 0.5
    for decide in (non_inferiority, equivalence):
        table = decide(*tables(rows), margin=0.1)
        assert table.variance_reduction == pytest.approx(saved, rel=1e-9)
        every_row_agrees(table, rows, lambda a, b, _, decide=decide: decide(a, b, margin=0.1))


def test_rows_of_rare_events_with_covariates_are_doubted_as_single_ones_are():
    rng = np.random.default_rng(4)
    rows = []
    for successes in (3, 40):
        outcome = np.repeat([1.0, 0.0], [successes, 100 - successes])
        past = outcome + rng.normal(0.0, 1.0, 100)
        rows.append((Moments.from_columns([outcome, past]),) * 2)
    table = compare_proportions(*tables(rows))
    assert table.warnings.tolist() == [("few_events",), ()]
    every_row_agrees(table, rows, lambda a, b, _: compare_proportions(a, b))


def test_overdispersed_rows_are_named():
    rng = np.random.default_rng(6)
    rows = [
        tuple(Moments.from_columns([arm]) for arm in arms)
        for arms in (rng.negative_binomial(0.3, 0.1, (2, 400)), rng.poisson(3.0, (2, 400)))
    ]
    found = compare_rates(*tables(rows))
    assert found.warnings.tolist() == [("overdispersed",), ()]
    assert found.warnings.tolist() == [compare_rates(*pair).warnings for pair in rows]
    assert compare_rates(*tables(rows), method="quasi_poisson").warnings.tolist() == [(), ()]


def test_moments_of_different_exposures_tell_overdispersion():
    rng = np.random.default_rng(7)
    days = rng.uniform(0.5, 20.0, (2, 500))
    spread = rng.poisson(0.2 * days * rng.gamma(0.4, 1 / 0.4, days.shape))
    moments = [Moments.from_columns(list(arm)) for arm in zip(spread, days, strict=True)]
    assert compare_rates(*spread, exposure=tuple(days)).warnings == ("overdispersed",)
    assert compare_rates(*moments).warnings == ("overdispersed",)
    assert "dispersion" not in compare_rates(*moments).details
    warned = 0
    for _ in range(300):
        calm = rng.poisson(0.2 * days)
        moments = [Moments.from_columns(list(arm)) for arm in zip(calm, days, strict=True)]
        warned += bool(compare_rates(*moments).warnings)
    assert warned <= 4


@pytest.mark.parametrize("covariates", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_constant_arm_is_named(swapped, covariates):
    rng = np.random.default_rng(8)
    arms = [rng.exponential(5.0, 30), np.zeros(30)]
    past = [rng.normal(0.0, 1.0, 30) for _ in arms]
    if swapped:
        arms.reverse()
    moments = [
        Moments.from_columns([arm, before] if covariates else [arm])
        for arm, before in zip(arms, past, strict=True)
    ]
    found = compare_means(*moments)
    assert found.warnings == ("constant_arm",)
    assert "Warnings: constant_arm." in str(found)
    table = compare_means(*tables([moments]))
    assert table[0].warnings == ("constant_arm",)
    assert non_inferiority(*moments, margin=0.1).warnings == ("constant_arm",)
    assert non_inferiority(*tables([moments]), margin=0.1)[0].warnings == ("constant_arm",)


def test_a_constant_arm_of_ratios_and_shares_is_named():
    rng = np.random.default_rng(9)
    rows = [
        (
            Moments.from_columns([rng.poisson(3.0, 40), np.ones(40)]),
            Moments.from_columns([np.full(40, 2.0), np.ones(40)]),
        )
    ]
    assert compare_ratios(*rows[0]).warnings == ("constant_arm",)
    every_row_agrees(compare_ratios(*tables(rows)), rows, lambda a, b, _: compare_ratios(a, b))
    shares = Moments.from_counts(40, 0), Moments.from_counts(40, 12)
    for method in ("welch", "wald"):
        assert compare_proportions(*shares, method=method).warnings == ("constant_arm",)
        rows_found = compare_proportions(*tables([shares]), method=method)
        assert rows_found[0].warnings == ("constant_arm",)
    assert compare_proportions(*shares).warnings == ()
    phases = [shares[0], shares[0]], [shares[1], shares[1]]
    assert compare_means(*phases).warnings == ("constant_arm",)


def test_rows_may_have_several_warnings():
    yes = np.array([True, False])
    column = warning_rows(2, {"few_events": yes, "constant_arm": ~yes, "phase_dropped": yes})
    assert column.tolist() == [("few_events", "phase_dropped"), ("constant_arm",)]
