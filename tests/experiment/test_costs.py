"""What arms cost: what a file may say of it, and what becomes of it."""

from __future__ import annotations

import pytest

from abtest.data.request import EventValue, Total
from abtest.errors import SpecError
from abtest.experiment.requests import metric_requests
from abtest.experiment.resolve import resolve

from .spec_files import EVENTS, changed, put

MARGIN = """
[[metrics]]
id = "margin"
kind = "mean"
event = "paid"
aggregate = "profit"
window_days = [0, 7]
direction = "increase"
role = "secondary"
"""
PER_PAYER = """
[[metrics]]
id = "per_payer"
kind = "ratio"
numerator = { aggregate = "cost" }
denominator = { event = "paid", aggregate = "any" }
window_days = [0, 7]
direction = "decrease"
role = "secondary"
"""
VALUED = changed(EVENTS, 'name = "event"\n', 'name = "event"\nvalue = "amount"\n')
COSTLY = changed(
    VALUED, "[variants]\n", "[variants]\ncost_per_unit = { checklist = 0.5 }\n"
    "fixed_cost = { checklist = 100 }\n",
)  # fmt: skip


def spec_of(tmp_path, text):
    put(tmp_path, text, "checklist")
    return resolve("checklist", root=tmp_path).spec


def problems(tmp_path, text):
    with pytest.raises(SpecError) as caught:
        spec_of(tmp_path, text)
    return [f"{one.what} | {one.given} | {one.todo}" for one in caught.value.problems]


def test_costs_go_with_the_variants(tmp_path):
    design = spec_of(tmp_path, COSTLY + MARGIN).design()
    assert design.variants == ("control", "checklist")
    assert design.unit_costs == (0.0, 0.5)
    assert design.fixed_costs == (0.0, 100.0)


def test_definitions_say_what_a_cost_is_and_that_it_is_known(tmp_path):
    *_, margin, ratio, _ = spec_of(tmp_path, COSTLY + MARGIN + PER_PAYER).metrics
    assert margin.meaning.startswith(
        'Mean of the unit\'s summed value of "paid" events less the cost of the arm.'
    )
    assert "it has no variance" in margin.meaning
    assert ratio.meaning.startswith('Cost of the arm divided by having at least one "paid" event')
    assert ratio.conditional


def test_the_value_before_exposure_is_without_what_the_arm_costs(tmp_path):
    """A covariate that differs by arm would take the effect away."""
    requests = metric_requests(spec_of(tmp_path, COSTLY + MARGIN + PER_PAYER))
    before = EventValue(("paid",), "sum", (-7.0, 0.0))
    assert requests["margin"].covariates == (Total((before,)),)
    bought = EventValue(("paid",), "any", (-7.0, 0.0))
    assert requests["per_payer"].covariates == (bought,)


def test_a_metric_of_costs_needs_some(tmp_path):
    (said,) = problems(tmp_path, VALUED + MARGIN)
    assert said.startswith("nothing says what the arms cost")
    each = MARGIN.replace('"profit"', '"cost"\ncost_each = 0.02')
    assert spec_of(tmp_path, VALUED + each).metrics[-1].cost_each == 0.02


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COSTLY.replace("{ checklist = 0.5 }", "{ checklst = 0.5 }"), "is not a variant"),
        (COSTLY.replace("checklist = 100", "checklist = -1"), "at least 0"),
        (COSTLY + MARGIN.replace('event = "paid"\n', ""), "profit needs an event"),
        (COSTLY + MARGIN + "cost_each = 1.0\n", "cost_each means nothing for profit"),
        (COSTLY + MARGIN.replace("profit", "cost"), "an event that costs needs cost_each"),
        (
            COSTLY + PER_PAYER.replace('"cost"', '"cost", at_least = 1'),
            "costs take no limits",
        ),
        (
            COSTLY + MARGIN + 'among = { aggregate = "cost", window_days = [-7, 0] }\n',
            "cost is no condition that units meet",
        ),
    ],
)
def test_what_costs_cannot_be_is_refused(tmp_path, text, said):
    assert any(said in one for one in problems(tmp_path, text))
