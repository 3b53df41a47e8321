import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_means, compare_stratified_means
from abtest.stats.adjustment.strata_balance import split_p_value

ARMS = ("control", "treatment")


def by_stratum(case):
    """Return a mapping from stratum to values for both arms."""
    arms = []
    for arm in ARMS:
        values, labels = np.array(case[arm]), np.array(case[f"{arm}_strata"])
        arms.append({label: values[labels == label] for label in sorted(set(labels))})
    return arms


def draw(seed, sizes=((9, 12), (20, 7), (5, 6))):
    rng = np.random.default_rng(seed)
    y, strata = ([], []), ([], [])
    for place, cell in enumerate(sizes):
        for side, n in enumerate(cell):
            y[side].extend(3.0 * place + 0.5 * side + rng.exponential(size=n))
            strata[side].extend([f"s{place}"] * n)
    return [np.array(arm) for arm in y], strata


def test_both_variances_agree_with_r(reference):
    for case in reference("strata")["cases"]:
        strata = tuple(case[f"{arm}_strata"] for arm in ARMS)
        for variance in ("superpopulation", "conditional"):
            got = compare_stratified_means(
                *(case[arm] for arm in ARMS), strata=strata, variance=variance
            )
            assert got.absolute.estimate == pytest.approx(case["estimate"], rel=1e-7)
            assert got.control_value == pytest.approx(case["control_value"], rel=1e-9)
            found = (got.absolute.estimate / got.statistic) ** 2
            # with means of 1e6 and differences of 1, R's own regression keeps four digits
            assert found == pytest.approx(
                case[variance]["variance"], rel=1e-7 if "large" not in case["name"] else 1e-6
            ), case["name"]


def test_the_published_example_of_growthbook(reference):
    want = reference("strata")["growthbook"]
    arms = [{}, {}]
    for place, cell in enumerate(want["strata"]):
        for side, sums in enumerate(cell):
            arms[side][place] = Moments.from_pilot_sums(
                sums["n"], [0.0], [sums["sum"]], [[sums["sum_squares"]]]
            )
    got = compare_stratified_means(*arms)
    assert got.absolute.estimate == pytest.approx(want["estimate"], rel=1e-12)
    error = got.absolute.estimate / got.statistic
    assert error == pytest.approx(want["standard_error"], rel=1e-10)
    assert got.relative.estimate == pytest.approx(want["relative_estimate"], rel=1e-12)
    # with so small an error of the baseline Fieller's interval is near that of the delta method
    width = (got.relative.upper - got.relative.lower) / (got.absolute.upper - got.absolute.lower)
    delta = want["relative_standard_error"] / want["standard_error"]
    assert width == pytest.approx(delta, rel=0.01)


@pytest.mark.parametrize("variance", ["superpopulation", "conditional"])
def test_values_moments_and_counts_by_stratum_are_one(reference, variance):
    for case in reference("strata")["cases"]:
        strata = tuple(case[f"{arm}_strata"] for arm in ARMS)
        want = compare_stratified_means(
            *(case[arm] for arm in ARMS), strata=strata, variance=variance
        )
        arms = by_stratum(case)
        for form in (
            lambda v: v,
            lambda v: Moments.from_columns([v]),
            ValueCounts.from_values,
        ):
            got = compare_stratified_means(
                *({key: form(v) for key, v in arm.items()} for arm in arms), variance=variance
            )
            assert got.p_value == pytest.approx(want.p_value, rel=1e-7)
            assert got.relative.upper == pytest.approx(want.relative.upper, rel=1e-7)


def test_one_stratum_is_no_stratification():
    y, _ = draw(1)
    got = compare_stratified_means(*y, strata=(["a"] * len(y[0]), ["a"] * len(y[1])))
    want = compare_means(*y)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.variance_reduction == pytest.approx(0.0, abs=1e-9)


def test_inverse_variances_are_not_weights():
    """A quiet stratum without effect must not outvote a loud one with it."""
    rng = np.random.default_rng(2)
    control = {"quiet": rng.normal(0, 0.01, 500), "loud": rng.normal(0, 5.0, 500)}
    treatment = {"quiet": rng.normal(0, 0.01, 500), "loud": rng.normal(1.0, 5.0, 500)}
    got = compare_stratified_means(control, treatment)
    halves = [treatment[k].mean() - control[k].mean() for k in control]
    assert got.absolute.estimate == pytest.approx(np.mean(halves))


def test_known_weights_are_those_of_another_population():
    arms = by_stratum(
        {
            "control": [1.0, 2, 5, 7],
            "treatment": [2.0, 4, 5, 8],
            "control_strata": list("aabb"),
            "treatment_strata": list("aabb"),
        }
    )
    got = compare_stratified_means(*arms, weights={"b": 3, "a": 1})
    assert got.absolute.estimate == pytest.approx(0.25 * 1.5 + 0.75 * 0.5)
    spread = [0.5 + 2.0, 2.0 + 4.5]
    error = math.sqrt(0.25**2 * spread[0] / 2 + 0.75**2 * spread[1] / 2)
    assert got.absolute.estimate / got.statistic == pytest.approx(error)
    assert got.variance_reduction is None
    same = compare_stratified_means(*arms, weights={"a": 2, "b": 2})
    conditional = compare_stratified_means(*arms, variance="conditional")
    assert same.p_value == pytest.approx(conditional.p_value, rel=1e-9)


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        (((9, 12), (1, 7), (5, 6)), [[0], [1, 2]]),
        (((9, 12), (5, 6), (3, 0)), [[0], [1, 2]]),
        (((1, 1), (1, 1), (5, 6)), [[0, 1], [2]]),
        (((1, 0), (0, 1), (1, 1)), [[0, 1, 2]]),
    ],
)
def test_sparse_strata_are_joined_with_the_next_and_said(sizes, left):
    y, strata = draw(3, sizes)
    got = compare_stratified_means(*y, strata=strata)
    names = {f"s{place}": str(group) for group in left for place in group}
    want = compare_stratified_means(*y, strata=[[names[s] for s in arm] for arm in strata])
    assert got.warnings == ("strata_merged",)
    sparse = [cell for cell in sizes if min(cell) < 2]
    assert got.details == {
        "strata": 3.0,
        "strata_used": float(len(left)),
        "strata_merged": float(len(sparse)),
        "units_merged": float(sum(map(sum, sparse))),
    }
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert (got.n_control, got.n_treatment) == (len(y[0]), len(y[1]))


def test_merged_strata_weigh_what_their_units_do():
    y, strata = draw(3, ((9, 12), (1, 7), (5, 6)))
    got = compare_stratified_means(*y, strata=strata)
    cells = [[0] * 9 + [1] * 6, [0] * 12 + [1] * 13]
    means = [
        [np.mean(arm[np.array(cell) == k]) for k in (0, 1)]
        for arm, cell in zip(y, cells, strict=True)
    ]
    want = (21 * (means[1][0] - means[0][0]) + 19 * (means[1][1] - means[0][1])) / 40
    assert got.absolute.estimate == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("cell", [[5.0], []])
def test_a_stratum_of_known_weight_does_not_count_with_the_units_of_another(cell):
    arms = ({"a": [1.0, 2.0], "b": cell, "c": [6.0, 8.0]}, {"a": [2.0, 4.0], "c": [5.0, 6.0]})
    assert compare_stratified_means(*arms).details["strata"] == 3.0
    with pytest.raises(NotEstimable, match=f"'b' with {len(cell)} control") as caught:
        compare_stratified_means(*arms, weights={"a": 2, "b": 1, "c": 1})
    assert caught.value.code == "too_few_units"


def far_apart(sizes, seed=8):
    """Return both arms of strata whose means are 100 apart, without any effect."""
    rng = np.random.default_rng(seed)
    return [
        {f"s{place}": 100.0 * place + rng.normal(size=cell[side]) for place, cell in sizes}
        for side in (0, 1)
    ]


@pytest.mark.parametrize(
    ("sizes", "named"),
    [
        (((1, 50), (100, 100)), "'s0' with 1 control and 50 treatment"),
        (((100, 100), (40, 0)), "'s1' with 40 control and 0 treatment"),
        # none of them alone is beyond chance
        (((200, 200), *([(8, 0)] * 6)), "and 5 more"),
        # one stratum among very many
        (((0, 40), *([(5, 5)] * 300)), "'s0'"),
    ],
)
def test_strata_that_an_arm_lacks_by_no_chance_are_not_merged(sizes, named):
    """Their units would be compared with units of another stratum: Simpson's paradox."""
    control, treatment = far_apart(list(enumerate(sizes)))
    with pytest.raises(NotEstimable, match=named) as caught:
        compare_stratified_means(control, treatment)
    assert caught.value.code == "strata_unbalanced"


def test_strata_that_an_arm_lacks_by_chance_are_merged():
    for sizes in (((1, 5), (100, 100)), ((0, 3), (1, 0), (50, 60)), ((60, 0), (9000, 90))):
        got = compare_stratified_means(*far_apart(list(enumerate(sizes))))
        assert got.warnings == ("strata_merged",), sizes


def test_a_split_that_differs_by_stratum_is_said_and_does_no_harm():
    got = compare_stratified_means(*far_apart([(0, (20, 180)), (1, (100, 100))]))
    assert got.warnings == ("strata_unbalanced",)
    assert "strata_unbalanced" in str(got)
    assert abs(got.absolute.estimate) < 0.5
    # one unit of a third stratum is not why
    got = compare_stratified_means(*far_apart([(0, (20, 180)), (1, (100, 100)), (2, (1, 0))]))
    assert got.warnings == ("strata_merged", "strata_unbalanced")


@pytest.mark.parametrize(
    ("sizes", "share"),
    [
        ([100, 100], 0.5),
        ([10] * 20, 0.1),
        ([6] * 60, 0.5),
        ([1000, 20, 3, 1], 0.3),
        ([1] * 30, 0.1),
    ],
)
def test_chance_splits_of_any_size_are_seldom_called_unbalanced(sizes, share):
    rng = np.random.default_rng(9)
    treated = rng.binomial(sizes, share, (2000, len(sizes)))
    p_values = np.array([split_p_value(np.stack([sizes - row, row])) for row in treated])
    assert (p_values < 0.001).sum() <= 8  # 2 on average
    assert (p_values < 0.05).mean() < 0.06


def test_the_test_of_splits_is_that_of_chi_square_where_strata_are_large():
    units = np.array([[5000.0, 4100.0, 3000.0], [5150.0, 3950.0, 3080.0]])
    want = stats.chi2_contingency(units, correction=False).pvalue
    each = [
        stats.binomtest(int(k), int(n), units[1].sum() / units.sum()).pvalue
        for k, n in zip(units[1], units.sum(axis=0), strict=True)
    ]
    assert split_p_value(units) == pytest.approx(2 * min(want, 3 * min(each)), rel=0.01)
    assert split_p_value(units[::-1]) == pytest.approx(split_p_value(units), rel=1e-9)
    assert split_p_value(units[:, [0]]) == split_p_value(np.array([[5.0, 5.0], [0.0, 0.0]])) == 1.0


@pytest.mark.parametrize("sizes", [((9, 12), (1, 7), (5, 6)), ((9, 12), (8, 7))])
def test_what_was_merged_can_be_read_and_written(sizes):
    got = compare_stratified_means(*far_apart(list(enumerate(sizes))))
    row = json.loads(json.dumps(got.to_dict(), allow_nan=False))
    shown = got._repr_mimebundle_()[0]["text/html"]
    merged = len(sizes) == 3
    assert row["warnings"] == (["strata_merged"] if merged else [])
    assert ("strata_merged" in str(got)) == ("strata merged" in shown) == merged
    assert row["details"].get("units_merged") == (8.0 if merged else None)


def test_missing_labels_are_a_stratum_and_numbers_keep_their_order():
    y, _ = draw(4, ((4, 4), (4, 4), (4, 4)))
    labels = [None] * 4 + [10] * 4 + [9] * 4
    forms = [
        labels,
        np.array(labels, dtype=float),
        pd.Series(labels, dtype="Int64"),
        pd.Categorical(labels),
    ]
    p_values = {compare_stratified_means(*y, strata=(form, labels)).p_value for form in forms}
    assert len(p_values) == 1


def test_strata_and_covariates_together_save_more():
    rng = np.random.default_rng(5)
    sizes = (300, 250)
    x = [rng.normal(size=n) for n in sizes]
    s = [rng.integers(0, 3, n) for n in sizes]
    y = [a + 2.0 * b + rng.normal(size=len(a)) for a, b in zip(x, s, strict=True)]
    alone = compare_stratified_means(*y, strata=s)
    both = compare_stratified_means(*y, strata=s, covariates=tuple(x))
    assert both.variance_reduction > alone.variance_reduction + 0.1
    assert (alone.method, both.method) == ("post_stratified", "post_stratified_cuped")
    cells = [
        {k: Moments.from_columns([y[i][s[i] == k], x[i][s[i] == k]]) for k in range(3)}
        for i in (0, 1)
    ]
    assert compare_stratified_means(*cells).p_value == pytest.approx(both.p_value, rel=1e-9)


def test_levels_far_apart_cost_no_digits():
    rng = np.random.default_rng(6)
    base = [{"a": rng.normal(size=20), "b": rng.normal(size=20)} for _ in range(2)]
    near = compare_stratified_means(*base)
    far = [{"a": arm["a"], "b": arm["b"] + 1e9} for arm in base]
    assert compare_stratified_means(*far).p_value == pytest.approx(near.p_value, rel=1e-5)


@given(st.integers(0, 5000), st.sampled_from(["two-sided", "greater", "less"]), st.booleans())
def test_p_and_interval_are_one_test_for_every_sample(seed, alternative, conditional):
    y, strata = draw(seed)
    variance = "conditional" if conditional else "superpopulation"
    got = compare_stratified_means(
        *y, strata=strata, variance=variance, alternative=alternative, confidence_level=0.8
    )
    lower, upper = got.interval
    assert lower is None or lower <= got.estimate
    assert upper is None or got.estimate <= upper
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 0.2)
    conditional_error = abs(
        (one := compare_stratified_means(*y, strata=strata, variance="conditional")).estimate
        / one.statistic
    )
    assert abs(got.estimate / got.statistic) >= conditional_error * (1 - 1e-9)


@given(st.integers(0, 5000), st.randoms())
def test_order_scale_and_arms_change_what_they_must(seed, random):
    y, strata = draw(seed)
    want = compare_stratified_means(*y, strata=strata)
    order = [random.sample(range(len(arm)), len(arm)) for arm in y]
    shuffled = compare_stratified_means(
        *(arm[o] * 7.0 + 3.0 for arm, o in zip(y, order, strict=True)),
        strata=[[arm[i] for i in o] for arm, o in zip(strata, order, strict=True)],
    )
    assert shuffled.p_value == pytest.approx(want.p_value, rel=1e-7)
    back = compare_stratified_means(*y[::-1], strata=strata[::-1])
    assert back.absolute.upper == pytest.approx(-want.absolute.lower, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "strata"),
        ({"strata": (["a"] * 3,)}, "strata"),
        ({"strata": (["a"] * 2, ["a"] * 3)}, "equally long"),
        ({"strata": (["a"] * 3, ["a"] * 3), "weights": {"b": 1}}, "every stratum"),
        ({"strata": (["a"] * 3, ["a"] * 3), "weights": {"a": -1}}, "above 0"),
        ({"strata": (["a"] * 3, ["a"] * 3), "weights": {"a": math.nan}}, "above 0"),
        ({"strata": (["a"] * 3, ["a"] * 3), "variance": "inverse"}, "variance"),
        ({"strata": (["a"] * 3, ["a"] * 3), "confidence_level": 0}, "level"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        compare_stratified_means([1.0, 2, 3], [2.0, 3, 5], **arguments)


def test_mappings_that_do_not_fit_are_refused():
    two = Moments.from_columns([[1.0, 2.0], [1.0, 3.0]])
    for arms, more in (
        (({"a": [1.0, 2]}, [1.0, 2]), {}),
        (({"a": [1.0, 2]}, {"a": [1.0, 2]}), {"strata": (["a"], ["a"])}),
        (({"a": [1.0, 2]}, {"a": two}), {}),
        (({}, {}), {}),
        (({"a": ["x", "y"]}, {"a": [1.0, 2]}), {}),
    ):
        with pytest.raises(UsageError):
            compare_stratified_means(*arms, **more)


@pytest.mark.parametrize(
    ("control", "code"),
    [
        ({"a": [], "b": [1.0]}, "too_few_units"),
        ({"a": [1.0, 1.0], "b": [2.0, 2.0]}, "constant"),
        ({"a": [1.0, math.inf], "b": [2.0, 2.0]}, "not_finite"),
        ({"a": [1e300, 2e300], "b": [2.0, 2.0]}, "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(control, code):
    treatment = {"a": [1.0, 1.0], "b": [3.0, 3.0]}
    with pytest.raises(NotEstimable) as caught:
        compare_stratified_means(control, treatment)
    assert caught.value.code == code
