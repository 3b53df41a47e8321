import json

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, compare_means, diagnose_adjustment
from abtest.stats.adjustment.balance import wald_f

ARMS = ("control", "treatment")


def draw(seed, sizes=(300, 250)):
    random = np.random.default_rng(seed)
    x = tuple(random.normal(size=(n, 2)) for n in sizes)
    return [part @ [1.0, 0.5] + random.normal(size=len(part)) for part in x], x


def test_balance_agrees_with_r(reference):
    for case in reference("balance")["cases"]:
        x = [np.array(case[arm]).T for arm in ARMS]
        y = [np.random.default_rng(len(part)).normal(size=len(part)) for part in x]
        got = diagnose_adjustment(*y, covariates=tuple(x))
        for row, want in zip(got.covariates, case["each"], strict=True):
            assert row.balance.p_value == pytest.approx(want["p_value"], rel=1e-7)
            assert row.balance.standardised_difference == pytest.approx(
                want["standardised_difference"], rel=1e-9
            )
        want = case["joint"]
        assert got.balance.statistic == pytest.approx(want["statistic"], rel=1e-8)
        assert got.balance.df == pytest.approx(want["df"], rel=1e-9)
        assert got.balance.p_value == pytest.approx(want["p_value"], rel=1e-6)
        assert got.balance.log10_p == pytest.approx(want["log10_p"], rel=1e-8)
        if "hotelling_p_value" in case:
            assert got.balance.p_value == pytest.approx(case["hotelling_p_value"], rel=1e-3)


def summary(arm):
    """Return moments of an outcome that has nothing to do with the covariates, and of these."""
    n, k = arm["n"], len(arm["mean"])
    covariance = np.eye(k + 1)
    covariance[1:, 1:] = arm["covariance"]
    return Moments(n, np.array([0.0, *arm["mean"]]), covariance * (n - 1))


def test_joint_balance_agrees_with_another_implementation_and_with_textbooks(reference):
    for case in reference("balance")["summaries"]:
        arms = [summary(case[arm]) for arm in ARMS]
        got = diagnose_adjustment(*arms).balance
        k, below = got.df
        nu = below + k - 1.0
        squared = got.statistic * nu * k / below
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-7), case["name"]
        assert (nu, squared) == pytest.approx((case["nu"], case["t_squared"]), rel=1e-8)
        if "published_t_squared" in case:
            assert squared == pytest.approx(case["published_t_squared"], abs=0.005)
            # the textbook takes n for n - 1, with which one variable is not Welch's
            cells = np.stack([np.array(case[a]["covariance"]) / case[a]["n"] for a in ARMS])
            n = np.array([float(case[a]["n"]) for a in ARMS])
            difference = np.subtract(*(case[a]["mean"] for a in ARMS))
            textbook = wald_f(difference, cells, n).df[1] + k - 1.0
            assert textbook == pytest.approx(case["published_nu_with_n"], abs=0.05)
        if "t_test_p_value" in case:
            assert got.p_value == pytest.approx(case["t_test_p_value"], rel=1e-9)
            assert below == pytest.approx(case["t_test_df"], rel=1e-9)


def test_one_covariate_is_tested_as_welch_tests_it():
    y, x = draw(1)
    got = diagnose_adjustment(*y, covariates=(x[0][:, 0], x[1][:, 0]))
    want = compare_means(x[0][:, 0], x[1][:, 0])
    assert got.balance.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.covariates[0].balance.p_value == pytest.approx(want.p_value, rel=1e-9)


def test_a_tail_that_underflows_keeps_its_logarithm():
    y, x = draw(2, (3000, 3000))
    far = (x[0], x[1] + 40.0)
    got = diagnose_adjustment(*y, covariates=far)
    assert got.balance.p_value == 0.0
    assert -30_000 < got.balance.log10_p < -300
    near = diagnose_adjustment(*y, covariates=(x[0][:, 0], x[1][:, 0] + 40.0))
    assert near.balance.log10_p == pytest.approx(near.covariates[0].balance.log10_p, rel=1e-6)


def test_it_says_what_each_covariate_saves_and_all_together():
    y, x = draw(3, (4000, 4000))
    got = diagnose_adjustment(*y, covariates=x, names=["past", "age"])
    alone = [one.saved_alone for one in got.covariates]
    assert alone == pytest.approx([1 / 2.25, 0.25 / 2.25], abs=0.03)
    assert got.saved_together == compare_means(*y, covariates=x).variance_reduction
    assert str(got) == (
        f"2 covariates save {got.saved_together:.1%} of the variance; arms are alike before "
        f"exposure (p = {got.balance.p_value:.3g} together)."
    )
    assert not got.alarm


def test_a_difference_before_exposure_is_an_alarm():
    y, x = draw(4)
    x[1][:, 1] += 0.5
    got = diagnose_adjustment(*y, covariates=x, names=["past", "age"])
    assert [one.alarm for one in got.covariates] == [False, True]
    assert got.alarm
    assert "alarm: arms differ before exposure in age" in str(got)
    constant = tuple(np.full(len(arm), float(side)) for side, arm in enumerate(y))
    assert diagnose_adjustment(*y, covariates=constant).alarm


def test_covariates_without_use_are_named():
    y, x = draw(5)
    more = tuple(np.column_stack([part, part.sum(axis=1), np.ones(len(part))]) for part in x)
    got = diagnose_adjustment(*y, covariates=more)
    assert [one.status for one in got.covariates] == ["used", "used", "collinear", "constant"]
    assert got.covariates[3].saved_alone is None
    assert got.warnings == ("covariate_dropped",)
    assert str(got).endswith("Warnings: covariate_dropped.")
    flat = tuple(np.ones(len(arm)) for arm in y)
    nothing = diagnose_adjustment(*y, covariates=flat)
    assert (nothing.saved_together, nothing.balance, nothing.alarm) == (None, None, False)
    assert str(nothing).startswith("The covariates cannot be used; ")
    assert str(nothing).endswith("Warnings: covariate_constant.")


def test_missing_values_are_a_covariate_of_their_own():
    y, x = draw(6)
    x[0][:30, 1] = np.nan
    x[1][:33, 1] = np.nan
    got = diagnose_adjustment(*y, covariates=x, names=["past", "age"])
    assert [one.name for one in got.covariates] == ["past", "age", "age missing"]
    assert got.covariates[1].missing.treatment == 33 / 250
    assert got.covariates[2].missing is None
    assert not got.alarm
    assert got.warnings == ("covariate_missing",)


def test_moments_and_phases_give_the_same():
    y, x = draw(7)
    arms = [Moments.from_columns([a, *b.T]) for a, b in zip(y, x, strict=True)]
    want = diagnose_adjustment(*y, covariates=x)
    got = diagnose_adjustment(*arms)
    assert got.balance.p_value == pytest.approx(want.balance.p_value, rel=1e-9)
    assert got.saved_together == pytest.approx(want.saved_together, rel=1e-9)
    # phases whose base moves, shared out differently: no imbalance within them
    control = [
        Moments.from_columns([a + s, *(b + s).T]) for s in (0.0, 5.0) for a, b in [(y[0], x[0])]
    ]
    treatment = [
        Moments.from_columns([a + s, *(b + s).T])
        for s, a, b in ((0.0, y[1][:50], x[1][:50]), (5.0, y[1], x[1]))
    ]
    phased = diagnose_adjustment(control, treatment)
    assert not phased.alarm
    merged = diagnose_adjustment(control[0] + control[1], treatment[0] + treatment[1])
    assert merged.alarm


def test_balanced_arms_alarm_as_rarely_as_promised():
    random = np.random.default_rng(8)
    hits = 0
    for _ in range(1000):
        x = tuple(random.normal(size=(n, 3)) * s for n, s in ((15, 1.0), (40, 2.0)))
        y = [random.normal(size=len(part)) for part in x]
        arms = [Moments.from_columns([a, *b.T]) for a, b in zip(y, x, strict=True)]
        hits += diagnose_adjustment(*arms).balance.p_value < 0.05
    assert hits / 1000 == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 1000) ** 0.5)


def test_it_shows_itself_and_can_be_stored():
    y, x = draw(9)
    got = diagnose_adjustment(*y, covariates=x)
    data, _ = got._repr_mimebundle_()
    assert "saved alone" in data["text/html"]
    stored = json.loads(json.dumps(got.to_dict()))
    assert (
        stored["covariates"][0]["balance"]["control_mean"] == got.covariates[0].balance.control_mean
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"covariates": ([1.0, 2, 3],)},
        {"covariates": ([1.0, 2, 3], [1.0, 2, 5]), "names": ["a", "b"]},
        {"covariates": ([1.0, 2, 3], [1.0, 2, 5]), "names": "a"},
        {"covariates": ([[1.0, 2, 3]] * 2, [[1.0, 2, 5]] * 2), "names": ["a", "a"]},
    ],
)
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(UsageError):
        diagnose_adjustment([1.0, 2, 4], [2.0, 3, 3], **arguments)


@pytest.mark.parametrize(
    ("control", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([3.0] * 3, "constant"),
        ([1e300] * 2 + [0.0], "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(control, code):
    covariates = (np.arange(float(len(control))), [1.0, 2, 5])
    with pytest.raises(NotEstimable) as caught:
        diagnose_adjustment(control, [2.0, 2.0, 2.0], covariates=covariates)
    assert caught.value.code == code
