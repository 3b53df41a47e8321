import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from abtest.stats import (
    Clusters,
    DecisionRule,
    MeansDesign,
    Moments,
    ProportionsDesign,
    RateDesign,
    RatioDesign,
    minimum_detectable_effect,
    power,
    sample_size,
)
from abtest.stats.sizing.duration import days_until
from abtest.stats.sizing.formulas import FORMULAS


@pytest.mark.parametrize(
    ("design", "formula"),
    [
        (MeansDesign(sd=1.0), "noncentral_t_welch"),
        (MeansDesign(sd=1.0, method="student"), "noncentral_t_student"),
        (MeansDesign(sd=1.0, method="z"), "normal_unpooled"),
        (MeansDesign(sd=1.0, test="equivalence", margin=0.5), "tost_t_welch"),
        (MeansDesign(sd=1.0, test="equivalence", margin=0.5, method="student"), "tost_t_student"),
        (ProportionsDesign(0.2), "normal_score"),
        (ProportionsDesign(0.2, correlation=0.3), "noncentral_t_welch"),
        (ProportionsDesign(0.2, clusters=Clusters(10, 0.1)), "noncentral_t_welch"),
        (ProportionsDesign(0.2, method="arcsine"), "normal_arcsine"),
        (ProportionsDesign(0.2, test="equivalence", margin=0.1), "tost_normal_score"),
        (ProportionsDesign(0.2, test="equivalence", margin=0.1, method="z"),
         "tost_normal_unpooled"),
        (RateDesign(0.2), "normal_score"),
        (RatioDesign(1.0, 2.0, 1.0, 1.0, 0.1), "noncentral_t_welch"),
    ],
)  # fmt: skip
def test_the_answer_says_which_formula_it_used(design, formula):
    got = power(design, units=400, effect=0.01)
    assert (got.formula, got.formula_text) == (formula, FORMULAS[formula])
    assert (got.df is None) == ("normal" in formula)


def test_levels_are_those_that_experiments_judge_with():
    rule = DecisionRule(successes=2, guardrails=3)
    arms = (1, 1, 1)
    superiority = MeansDesign(sd=1, rule=rule, allocation=arms)
    guardrail = MeansDesign(sd=1, rule=rule, allocation=arms, test="non_inferiority", margin=0.1)
    equivalence = MeansDesign(sd=1, test="equivalence", margin=0.1)
    assert (superiority.level, superiority.sides) == (pytest.approx(0.05 / 4), 2)
    assert (guardrail.level, guardrail.sides) == (0.025, 1)
    assert (equivalence.level, equivalence.sides) == (0.05, 1)
    assert superiority.target_power == guardrail.target_power == pytest.approx(0.95)
    assert MeansDesign(sd=1, alpha_share=0.7, allocation=arms).level == pytest.approx(0.035)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (DecisionRule(1, 0), 0.8),
        (DecisionRule(3, 0), 0.8),
        (DecisionRule(1, 5), 1 - 0.2 / 6),
        (DecisionRule(0, 5), 1 - 0.2 / 5),
        (DecisionRule(1, 1, deterioration_alpha=0.01, quality_alpha=0.01), 1 - 0.18 / 2),
    ],
)
def test_errors_of_a_decision_are_split_over_its_metrics(rule, wanted):
    assert rule.metric_power(0.8) == pytest.approx(wanted)


def test_five_guardrails_at_80_percent_each_would_ship_a_third():
    # Schultzberg et al. 2024: why beta is split; independent metrics, the success metric included
    assert pytest.approx(0.262, abs=1e-3) == 0.8**6
    assert DecisionRule(1, 5).metric_power(0.8) ** 6 >= 0.8


def test_the_design_effect_grows_with_unequal_sizes():
    # Eldridge et al. 2006: 1 + ((1 + cv^2) m - 1) icc
    assert Clusters(100, 0.01).design_effect == pytest.approx(1.99)
    assert Clusters(100, 0.01, cv=0.65).design_effect == pytest.approx(2.4125)


def test_clusters_are_rounded_up_whole():
    plan = sample_size(MeansDesign(sd=1.0, clusters=Clusters(7.5, 0.1)), effect=0.3)
    assert plan.clusters_by_arm is not None
    for clusters, units in zip(plan.clusters_by_arm, plan.units_by_arm, strict=True):
        assert clusters == int(clusters)
        assert 0 <= units - 7.5 * clusters < 1
    assert plan.df == pytest.approx(sum(units / 7.5 for units in plan.units_by_arm) - 2)


def test_past_units_describe_a_design():
    rng = np.random.default_rng(1)
    before = rng.normal(10.0, 2.0, 5000)
    after = 0.5 * before + rng.normal(0.0, 1.0, 5000)
    plain = MeansDesign.from_moments(Moments.from_columns([after]))
    adjusted = MeansDesign.from_moments(Moments.from_columns([after, before]), relative=True)
    assert plain.mean == pytest.approx(after.mean())
    assert plain.variance == pytest.approx(after.var(ddof=1))
    assert adjusted.variance_reduction == pytest.approx(np.corrcoef(before, after)[0, 1] ** 2)
    assert adjusted.relative


def test_past_ratios_describe_a_design_with_their_own_denominators():
    rng = np.random.default_rng(2)
    x, y = rng.poisson(5, 4000) + 1.0, rng.poisson(2, 4000) + 0.0
    design = RatioDesign.from_moments(Moments.from_columns([y, x, y + rng.poisson(1, 4000), x]))
    linear = (y - y.mean() / x.mean() * x) / x.mean()
    got = design.unit_variances(np.zeros(1))[0][0]
    assert got == pytest.approx(linear.var(ddof=1), rel=1e-9)
    assert 0.5 < design.variance_reduction < 0.95


def test_warnings_name_what_is_rough():
    few = power(ProportionsDesign(0.001), units=2000, effect=0.01)
    assert few.warnings == ("few_events",)
    least = sample_size(MeansDesign(sd=1.0), effect=100.0)
    assert (least.units, least.warnings) == (4, ("small_arms", "smallest_possible"))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (sample_size(ProportionsDesign(0.2), effect=0.05),
         "2,188 units (1,094 + 1,094) find an effect of +0.05 with power 80.0%; two-sided level "
         "0.05 (normal_score)."),
        (power(MeansDesign(sd=1.0), units=101, effect=0.5),
         "Power 70.1%: 101 units (50.5 + 50.5), true effect +0.5; two-sided level 0.05 "
         "(noncentral_t_welch)."),
        (sample_size(MeansDesign(mean=1.0, sd=1.0, relative=True, test="non_inferiority",
                                 margin=0.1), effect=0.0),
         "2,844 units (1,422 + 1,422) show no loss beyond 0.1 of the baseline at a true effect of "
         "+0 of the baseline with power 80.0%; one-sided level 0.025 (noncentral_t_welch)."),
    ],
)  # fmt: skip
def test_an_answer_reads_as_a_sentence(answer, says):
    assert str(answer) == says


def test_an_answer_shows_itself_and_goes_to_json():
    plan = sample_size(
        MeansDesign(sd=1.0, test="equivalence", margin=(0.4, 0.5), clusters=Clusters(4, 0.1)),
        effect=0.0,
    )
    data, _ = plan._repr_mimebundle_()
    assert "clusters by arm" in data["text/html"]
    assert "Owen" in data["text/markdown"]
    written = json.loads(json.dumps(plan.to_dict()))
    assert written["margin"] == [0.4, 0.5]
    assert written["formula_text"] == plan.formula_text


def test_a_curve_has_a_table_and_a_figure():
    curve = sample_size(ProportionsDesign(0.1, relative=True), effect=[0.0, 0.05, 0.1, 0.2])
    table = curve.table
    assert list(table["status"]) == ["no_effect", "ok", "ok", "ok"]
    assert {"effect", "units", "power", "units_control", "units_treatment_1"} <= set(table)
    assert len(curve) == 4
    assert "3 with an answer" in str(curve)
    assert json.loads(json.dumps(curve.to_dict(), allow_nan=False))["solved"] == "sample_size"
    assert "<table" in curve._repr_mimebundle_()[0]["text/html"]
    figure = curve.plot()
    assert isinstance(figure, Figure)
    assert "1 rows have no answer" in figure.alt
    assert figure.fragment().png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "curve",
    [
        power(MeansDesign(sd=1.0), units=np.linspace(10, 400, 40), effect=0.3),
        minimum_detectable_effect(ProportionsDesign(0.1).over(baseline=[0.1, 0.3]), units=5000),
        sample_size(MeansDesign(sd=1.0).over(alpha=[0.01, 0.05]), effect=0.0),
    ],
)
def test_every_kind_of_curve_can_be_drawn_without_pyplot(curve):
    figure = curve.plot()
    assert len(figure.axes) == 1
    assert figure.alt
    assert "pyplot" not in type(figure.canvas).__module__


def test_days_count_until_the_last_unit_is_mature():
    plan = sample_size(ProportionsDesign(0.2), effect=0.05)
    assert plan.units == 2188
    assert plan.days(500) == 5
    assert plan.days(2188) == 1
    assert plan.days(500, maturity=7) == 12
    assert plan.days([1000, 800, 300, 200, 100]) == 4
    assert days_until(0.5, 1.0) == 1


def test_import_of_the_statistics_stays_light():
    import subprocess
    import sys

    code = (
        "import sys; from abtest.stats import sample_size, ProportionsDesign; "
        "sample_size(ProportionsDesign(0.2), effect=0.05); "
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'matplotlib', 'pandas', "
        "'statsmodels') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
