import copy

import pytest

from abtest.show import effect_words as say
from abtest.show.forest_rows import forest_panels
from abtest.show.numbers import MISSING


@pytest.fixture
def states(page):
    return {effect["metric"]: effect for effect in page("relative_states").document["effects"]}


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("steady", "+2.5% to +7.6%"),
        ("one_end", "−11.0% or more, no upper limit"),
        ("other_end", "+40.0% or less, no lower limit"),
        ("two_ends", "below −600% or above +90%"),
        ("no_end", "no limits: the control value is too uncertain"),
        ("from_zero", "not defined: the control value is 0"),
    ],
)
def test_each_state_of_a_relative_interval_is_said_in_words(states, metric, shown):
    assert say.relative_interval(states[metric]) == shown


def test_shares_are_shown_in_per_cent_and_their_effects_in_points(states):
    assert say.value(states["steady"], "control") == "40.00%"
    assert say.absolute(states["steady"]) == "+2.00 points"
    assert say.absolute_interval(states["steady"]) == "+1.00 to +3.00"


@pytest.mark.parametrize(
    ("kind", "amount", "said"),
    [
        ("proportion", 0.01, "may fall by less than 1 point"),
        ("proportion", 0.005, "may fall by less than 0.5 points"),
        ("mean", 1.0, "may fall by less than 1"),
    ],
)
def test_a_margin_is_said_in_the_unit_of_the_metric(kind, amount, said):
    effect = {"kind": kind, "direction": "increase", "margin": None, "margin_absolute": amount}
    assert say.margin(effect) == said


def test_the_sentence_of_the_cookie_cats_result_reads_as_in_the_design():
    effect = {
        "metric": "retention_7", "kind": "proportion", "direction": "increase", "status": "ok",
        "variant": "gate_40", "confidence_level": 0.95, "control_value": 0.190201342,
        "treatment_value": 0.182000044,
        "absolute": {"estimate": -0.0082, "lower": -0.0133, "upper": -0.0031},
    }  # fmt: skip
    said = say.change_phrase(effect, "7-day retention")
    assert said == "7-day retention fell by 0.82 points (95% interval -1.33 to -0.31)"


@pytest.mark.parametrize(
    ("direction", "outcome", "part"),
    [
        ("increase", "improved", "an improvement, higher is better"),
        ("decrease", "harmed", "harm, lower is better"),
        ("increase", "unclear", "it may be chance"),
    ],
)
def test_sentences_know_which_direction_is_good(states, direction, outcome, part):
    effect = {**states["steady"], "direction": direction, "outcome": outcome}
    assert part in say.effect_sentence(effect, "Activation")


def test_the_p_value_of_a_margin_is_not_given_as_evidence_of_harm(page):
    effect = next(e for e in page("do_not_ship").document["effects"] if e["outcome"] == "harmed")
    assert "p " not in say.effect_sentence(effect, "Mute rate").replace("push", "")


def test_margins_name_the_side_that_is_worse(states):
    base = {**states["steady"], "mde": None}
    up = {**base, "margin": 0.08}
    down = {**up, "direction": "decrease"}
    points = {**base, "margin_absolute": 0.0075}
    assert say.margin(up) == "may fall by less than 8%"
    assert say.margin(down) == "may rise by less than 8%"
    assert say.margin(points) == "may fall by less than 0.75 points"
    assert say.margin({**down, "margin": None, "mde": 0.05}) == "sized for −5%"


def test_a_row_without_numbers_says_why(states):
    assert say.effect_sentence(states["gone"], "Gone").endswith(
        "every unit of an arm has the same value."
    )


def test_unknown_reasons_are_still_said(states):
    effect = copy.deepcopy(states["gone"])
    effect["reason"] = "brand_new_code"
    assert "brand new code" in say.effect_sentence(effect, "Gone")


def test_a_net_promoter_score_has_no_relative_effect_unless_one_was_asked_for(states):
    near_zero = states["steady"] | {"method": "nps_wald", "margin": None, "mde": None}
    assert (say.relative(near_zero), say.relative_interval(near_zero)) == (MISSING, "")
    asked = near_zero | {"mde": 0.05}
    assert say.relative_interval(asked) == "+2.5% to +7.6%"


def test_a_net_promoter_score_is_among_the_absolute_effects_only(page):
    found = page("relative_states")
    for effect in found.document["effects"]:
        if effect["metric"] == "steady":
            effect |= {"method": "nps_wald", "margin": None, "mde": None}
    drawn = {
        scale: {
            row.name for panel in forest_panels(found.document, (), scale) for row in panel.rows
        }
        for scale in ("relative", "absolute")
    }
    assert drawn["absolute"] - drawn["relative"] == {"Steady"}
