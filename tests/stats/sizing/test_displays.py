"""Answers about power show their warnings in words, and are strict JSON."""

import json
from typing import get_args

import numpy as np
import pytest

from abtest.show.power_words import WARNINGS
from abtest.stats import (
    Clusters,
    CumulativeDesign,
    DecisionRule,
    ExponentialTimes,
    HazardDesign,
    MeansDesign,
    ProportionsDesign,
    QuantileDesign,
    RateDesign,
    RatioDesign,
    ScoreDesign,
    SurvivalDesign,
    ValueCounts,
    minimum_detectable_effect,
    power,
    sample_size,
)
from abtest.stats.sizing.answers import PowerWarning
from abtest.stats.sizing.curve_display import MOST_ROWS

DESIGNS = {
    "welch": MeansDesign(sd=1.0),
    "relative": MeansDesign(mean=2.0, sd=1.0, relative=True, allocation=(1, 1, 2)),
    "numpy": MeansDesign(mean=np.float64(2.0), sd=np.float64(1.0), relative=np.bool_(True)),
    "z": MeansDesign(sd=1.0, method="z"),
    "cuped": MeansDesign(sd=1.0, correlation=0.5),
    "clusters": MeansDesign(sd=1.0, clusters=Clusters(7.5, 0.1)),
    "rule": MeansDesign(sd=1.0, rule=DecisionRule(2, 3)),
    "score": ProportionsDesign(0.2),
    "arcsine": ProportionsDesign(0.2, method="arcsine"),
    "guardrail": ProportionsDesign(0.2, test="non_inferiority", margin=0.05),
    "tost": ProportionsDesign(0.2, test="equivalence", margin=(0.05, 0.06)),
    "tost t": MeansDesign(sd=1.0, test="equivalence", margin=0.5),
    "rates": RateDesign(0.5, relative=True),
    "ratios": RatioDesign(1.0, 2.0, 1.0, 1.0, 0.1),
    "hazards": HazardDesign(ExponentialTimes(0.1, 5.0)),
    "events": HazardDesign(),
    "times": SurvivalDesign(ExponentialTimes(0.1, 5.0), 5.0, allocation=(1, 1, 2)),
    "values": QuantileDesign(ValueCounts.from_values(np.arange(100.0)), 0.9),
    "answers": ScoreDesign(ValueCounts.from_table([3, 8, 10], [5, 9, 7]), 0.3, relative=True),
    "totals": CumulativeDesign(1.8, 7.5),
}
ASKS = {
    "power": lambda design: power(design, units=4000, effect=0.01),
    "size": lambda design: sample_size(design, effect=0.01),
    "effect": lambda design: minimum_detectable_effect(design, units=4000),
    "powers": lambda design: power(design, units=[2, 4000, 1e9], effect=[0.01, 0.01, 0.9]),
    "sizes": lambda design: sample_size(design, effect=[0.01, 0.0, 0.7, -0.9]),
    "effects": lambda design: minimum_detectable_effect(design, units=[1.0, 1e4]),
    "alphas": lambda design: sample_size(design.over(alpha=[0.01, 0.05]), effect=0.01),
    "powers wanted": lambda design: minimum_detectable_effect(
        design.over(power=[0.7, 0.9]), units=4000
    ),
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("design", DESIGNS)
def test_every_answer_is_strict_json_and_can_be_shown(design, ask):
    answer = ASKS[ask](DESIGNS[design])
    written = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert written["formula"] == answer.formula
    data, _ = answer._repr_mimebundle_()
    assert set(data) >= {"text/plain", "text/html", "text/markdown"}
    assert "nan" not in data["text/plain"].lower().replace("assignment", "")


def test_numbers_that_json_lacks_are_null():
    written = sample_size(ProportionsDesign(0.2), effect=[0.05, 0.0]).to_dict()
    assert written["df"] == [None, None]  # infinite, of a normal formula
    assert written["units"][1] is None
    assert written["varied"]["effect"] == [0.05, 0.0]


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (power(ProportionsDesign(0.001), units=2000, effect=0.01), ("few_events",)),
        (power(ProportionsDesign(0.999), units=2000, effect=-0.01), ("few_events",)),
        (power(RateDesign(0.01), units=1500, effect=0.01), ("few_events",)),
        (power(RateDesign(0.01, exposure=2.0), units=1500, effect=0.01), ("few_events",) * 0),
        (power(MeansDesign(sd=1.0), units=11, effect=2.0), ("small_arms",)),
        (power(MeansDesign(sd=1.0), units=12, effect=2.0), ()),
        (power(MeansDesign(sd=1.0, method="student"), units=11, effect=2.0), ()),
        (power(MeansDesign(sd=1.0, correlation=0.5), units=13, effect=2.0), ("small_arms",)),
        (power(MeansDesign(sd=1.0, correlation=0.5, allocation=(9, 1)), units=69, effect=2.0),
         ("small_arms",)),
        (power(MeansDesign(sd=1.0, correlation=0.5), units=14, effect=2.0), ()),
        (power(MeansDesign(sd=1.0, clusters=Clusters(100, 0.1)), units=1100, effect=2.0),
         ("small_arms",)),
        (sample_size(MeansDesign(sd=1.0), effect=100.0), ("small_arms", "smallest_possible")),
    ],
)  # fmt: skip
def test_warnings_are_shown_in_words(answer, codes):
    assert answer.warnings == codes
    data, _ = answer._repr_mimebundle_()
    for form in (str(answer), data["text/plain"], data["text/markdown"], data["text/html"]):
        for code, words in WARNINGS.items():
            assert (words in form) == (code in codes)
            assert code not in form


def test_every_warning_has_words():
    assert set(WARNINGS) == set(get_args(PowerWarning))


def test_a_curve_says_in_how_many_rows_there_is_something_to_know():
    curve = sample_size(MeansDesign(sd=1.0), effect=[0.5, 0.0, 3.0, 100.0])
    assert "in 2 of 4 rows an arm has so few units" in str(curve)
    assert "in 1 of 4 rows the fewest units" in str(curve)
    data, _ = curve._repr_mimebundle_()
    for form in (data["text/html"], data["text/markdown"]):
        assert WARNINGS["smallest_possible"] in form
        assert "however many units there are" in form  # why a row has no answer
    assert list(curve.table["warnings"]) == ["", "", "small_arms", "small_arms, smallest_possible"]
    assert curve[2].warnings == curve.warnings(2)
    assert "Note" not in str(sample_size(MeansDesign(sd=1.0), effect=[0.5, 0.2]))


def test_a_long_curve_is_shown_by_its_first_rows():
    curve = power(MeansDesign(sd=1.0), units=np.linspace(100, 1000, 300), effect=0.2)
    data, _ = curve._repr_mimebundle_()
    assert f"The first {MOST_ROWS} rows are shown" in data["text/html"]
    assert data["text/html"].count("<tr") == MOST_ROWS + 1


def test_many_arms_are_told_in_short():
    plan = sample_size(MeansDesign(sd=1.0, allocation=(2,) + (1,) * 500 + (3,)), effect=0.1)
    control, *others = plan.units_by_arm
    said = f"({control:,} + 501 arms of {min(others):,} to {max(others):,})"
    assert said in str(plan)
    assert len(str(plan)) < 200
