import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    compare_capped_means,
    compare_geometric_means,
    compare_means,
    compare_odds,
    compare_ratios,
    estimate_means,
    estimate_proportions,
    estimate_ratios,
    non_inferiority,
)


def columns(seed, n, k=1, shift=0.0):
    return np.random.default_rng(seed).gamma(2.0, 1.0, (k, n)) + shift


def test_phases_are_weighted_by_their_share_of_all_units():
    control = [columns(1, 90), columns(2, 50, shift=3.0)]
    treatment = [columns(3, 10), columns(4, 50, shift=4.0)]
    pair = estimate_means(
        [Moments.from_columns(c) for c in control],
        [Moments.from_columns(t) for t in treatment],
        adjusted=False,
    )
    deltas = np.array([t.mean() - c.mean() for c, t in zip(control, treatment, strict=True)])
    variances = np.array(
        [
            c.var(ddof=1) / c.size + t.var(ddof=1) / t.size
            for c, t in zip(control, treatment, strict=True)
        ]
    )
    weights = np.array([0.5, 0.5])
    estimate = weights @ deltas
    # methods 6: conditional variance plus (1/n) sum w_p (delta_p - estimate)^2
    variance = weights**2 @ variances + weights @ (deltas - estimate) ** 2 / 200
    assert pair.contrast.difference == pytest.approx(estimate)
    assert pair.contrast.difference_variance == pytest.approx(variance)
    assert (pair.n_control, pair.n_treatment) == (140, 60)


def test_phases_agree_with_the_saturated_regression_of_r(reference):
    # the strata of these cases serve as phases: the same weights and the same noise of shares
    for case in reference("strata")["cases"]:
        labels = sorted(set(case["control_strata"]))
        arms = [
            [
                Moments.from_columns(
                    [np.array(case[arm])[np.array(case[f"{arm}_strata"]) == label]]
                )
                for label in labels
            ]
            for arm in ("control", "treatment")
        ]
        pair = estimate_means(*arms, adjusted=False)
        want = case["superpopulation"]["variance"]
        assert pair.contrast.difference == pytest.approx(case["estimate"], rel=1e-6), case["name"]
        assert pair.control_value == pytest.approx(case["control_value"], rel=1e-9)
        assert pair.contrast.difference_variance == pytest.approx(want, rel=1e-7), case["name"]


def test_the_control_level_carries_the_noise_of_phase_shares():
    control = [columns(1, 90), columns(2, 50, shift=3.0)]
    moments = [Moments.from_columns(c) for c in control]
    pair = estimate_means(moments, moments, adjusted=False)
    means = np.array([c.mean() for c in control])
    weights = np.array([180, 100]) / 280
    within = sum(w**2 * c.var(ddof=1) / c.size for w, c in zip(weights, control, strict=True))
    between = weights @ (means - weights @ means) ** 2 / 280
    assert pair.covariance[0][0] == pytest.approx(within + between)
    assert pair.covariance[0][1] == pytest.approx(between)


@pytest.mark.parametrize(
    ("estimate", "k", "adjusted"),
    [
        (estimate_means, 1, False),
        (estimate_means, 2, True),
        (estimate_ratios, 2, False),
        (estimate_ratios, 4, True),
    ],
)
def test_an_empty_phase_changes_nothing(estimate, k, adjusted):
    arms = [Moments.from_columns(columns(seed, 40, k)) for seed in (1, 2)]
    empty = Moments(0, np.zeros(k), np.zeros((k, k)))
    alone = estimate([arms[0]], [arms[1]], adjusted=adjusted)
    assert estimate([arms[0], empty], [arms[1], empty], adjusted=adjusted) == alone


def test_a_phase_in_which_an_arm_has_fewer_than_two_units_is_dropped_from_both():
    control = [Moments.from_columns(columns(1, 90)), Moments.from_columns(columns(2, 50))]
    treatment = [Moments.from_columns(columns(3, 1)), Moments.from_columns(columns(4, 50))]
    pair = estimate_means(control, treatment, adjusted=False)
    alone = estimate_means(control[1:], treatment[1:], adjusted=False)
    assert pair.warnings == ("phase_dropped",)
    assert (pair.n_control, pair.control_value) == (50, alone.control_value)
    assert pair.test() == alone.test()


def test_no_phase_with_two_units_in_both_arms_cannot_be_estimated():
    many, one = Moments.from_columns(columns(1, 90)), Moments.from_columns(columns(2, 1))
    with pytest.raises(NotEstimable) as error:
        estimate_means([many, one], [one, many], adjusted=False)
    assert error.value.code == "too_few_units"


def test_phases_without_variation_are_constant_though_they_differ():
    def flat(value):
        return Moments.from_columns([[value] * 5])

    with pytest.raises(NotEstimable) as error:
        estimate_means([flat(1.0), flat(3.0)], [flat(2.0), flat(5.0)], adjusted=False)
    assert error.value.code == "constant"


def test_a_ramp_with_a_falling_base_rate_shows_no_effect_where_there_is_none():
    # 10% -> 50% while the rate falls from 40% to 36%: pooled over phases it looks like harm
    control = [Moments.from_counts(90_000, 36_000), Moments.from_counts(50_000, 18_000)]
    treatment = [Moments.from_counts(10_000, 4_000), Moments.from_counts(50_000, 18_000)]
    assert estimate_proportions(control, treatment, adjusted=False).test().p_value == 1.0
    pooled = compare_means(control[0] + control[1], treatment[0] + treatment[1])
    assert pooled.p_value < 1e-10


def test_adjustment_works_within_phases():
    # outcome and covariate shift between phases, in proportions that differ between arms
    rng = np.random.default_rng(9)
    sizes = {"control": (900, 500), "treatment": (100, 500)}
    arms = {}
    for arm, phases in sizes.items():
        arms[arm] = []
        for phase, n in enumerate(phases):
            x = rng.normal(10.0 * phase, 1.0, n)
            y = x + 5.0 * phase + rng.normal(0.0, 0.2, n)
            arms[arm].append(Moments.from_columns([y, x]))
    pair = estimate_means(arms["control"], arms["treatment"], adjusted=True)
    assert pair.method == "welch_cuped"
    assert pair.variance_reduction > 0.9
    assert abs(pair.test().statistic) < 4


def test_moments_by_phase_come_to_compare_means_as_a_list():
    control = [Moments.from_counts(90_000, 36_000), Moments.from_counts(50_000, 18_000)]
    treatment = [Moments.from_counts(10_000, 4_100), Moments.from_counts(50_000, 18_300)]
    got = compare_means(control, treatment, alternative="greater")
    pair = estimate_means(control, treatment, adjusted=False)
    assert got.p_value == pair.test(alternative="greater").p_value
    assert got.relative == pair.relative(0.95, "greater")
    assert (got.n_control, got.n_treatment) == (140_000, 60_000)
    alone = compare_means(control[:1], treatment[:1])
    assert alone.p_value == compare_means(control[0], treatment[0]).p_value


@pytest.mark.parametrize(
    ("control", "treatment", "arguments"),
    [
        (2, 1, {}),
        (2, 2, {"method": "student"}),
        (2, 2, {"method": "z"}),
        (2, 2, {"covariates": ([1.0], [2.0])}),
    ],
)
def test_phases_that_do_not_fit_are_refused(control, treatment, arguments):
    phase = Moments.from_columns(columns(1, 30))
    with pytest.raises(UsageError):
        compare_means([phase] * control, [phase] * treatment, **arguments)
    with pytest.raises(UsageError):
        compare_means([phase, phase], [1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match="same variables"):
        compare_means([phase, Moments.from_columns(columns(1, 30, 2))], [phase, phase])


def test_phases_far_apart_cost_no_digits():
    control = [columns(1, 40), columns(2, 30)]
    treatment = [columns(3, 20), columns(4, 50)]

    def p_value(level):
        return compare_means(
            *(
                [Moments.from_columns(arm[0]), Moments.from_columns(arm[1] + level)]
                for arm in (control, treatment)
            )
        ).p_value

    assert p_value(1e9) == pytest.approx(p_value(0.0), rel=1e-5)


@pytest.mark.parametrize("k", [2, 4, 5])
def test_ratios_by_phase_come_to_compare_ratios_as_a_list(k):
    control = [Moments.from_columns(columns(seed, 40, k)) for seed in (1, 2)]
    treatment = [Moments.from_columns(columns(seed, 30, k)) for seed in (3, 4)]
    got = compare_ratios(control, treatment)
    pair = estimate_ratios(control, treatment, adjusted=k > 2)
    assert got.p_value == pair.test().p_value
    assert (got.n_control, got.n_treatment) == (80, 60)
    with pytest.raises(UsageError, match="Phases"):
        compare_ratios(control, treatment, covariates=(([1.0], [1.0]), ([1.0], [1.0])))


@pytest.mark.parametrize(
    "compare",
    [
        lambda control, treatment: non_inferiority(control, treatment, margin=0.1),
        lambda control, treatment: non_inferiority(
            control, treatment, margin=0.1, measure="proportion"
        ),
        lambda control, treatment: compare_means(control, treatment[0]),
        lambda control, treatment: compare_capped_means(control, treatment, threshold=1.0),
        compare_odds,
        compare_geometric_means,
    ],
)
def test_what_takes_no_phases_says_so(compare):
    arms = [[Moments.from_counts(100, 30), Moments.from_counts(50, 10)] for _ in range(2)]
    with pytest.raises(UsageError, match="one sample per arm, not moments by phase"):
        compare(*arms)


def test_two_phases_are_not_taken_for_numerator_and_denominator():
    random = np.random.default_rng(5)
    parts = [Moments.from_columns(random.poisson(3.0, (2, 50)) + 1.0) for _ in range(4)]
    for compare in (
        lambda: non_inferiority(parts[:2], parts[2:], margin=0.1, measure="ratio"),
        lambda: compare_ratios(parts[:2], parts[2]),
    ):
        with pytest.raises(UsageError, match="not moments by phase"):
            compare()
