"""The five verdicts: the first line of the table that applies, with reasons that say why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from abtest.experiment.document import AbsoluteEffect, Check, Effect, RelativeEffect
from abtest.experiment.effects import Row
from abtest.experiment.headline import headline
from abtest.experiment.verdict import Preference, decide, may_judge, shipping_arms
from abtest.metrics import MeanMetric

PASS = Check(check="sample_ratio", status="pass", p_value=0.5, code="sample_ratio_ok")
WARN = Check(check="lock", status="warn", p_value=None, code="lock_absent")
FAIL = Check(check="sample_ratio", status="fail", p_value=1e-9, code="sample_ratio_mismatch")


def row(metric_id, variant, *, estimate=1.0, **keys):
    defaults = {"kind": "mean", "value": "v", "role": "primary", "direction": "increase"}
    metric = MeanMetric.model_validate(defaults | {"id": metric_id} | keys)
    effect = Effect(
        metric=metric.id,
        kind="mean",
        role=metric.role,
        direction=metric.direction,
        test=metric.test,
        mde=metric.mde,
        margin=metric.margin,
        margin_absolute=metric.margin_absolute,
        variant=variant,
        control="c",
        segment=None,
        status="ok",
        reason=None,
        window_days=None,
        n_control=100,
        n_treatment=100,
        excluded={},
        control_value=10.0,
        treatment_value=10.0 + estimate,
        absolute=AbsoluteEffect(estimate=estimate, lower=estimate - 0.5, upper=estimate + 0.5),
        relative=RelativeEffect(estimate=0.1, lower=0.05, upper=0.15, status="bounded"),
        p_value=0.01,
        log10_p=-2.0,
        alpha=0.05,
        confidence_level=0.95,
        interval="individual",
        method="welch",
        variance_reduction=None,
        outcome=None,
        warnings=[],
    )
    return Row(metric, variant, None, effect)


GUARD = {"role": "guardrail", "margin": 0.1}


def ruling(rows, outcomes, arms=("t",), checks=(PASS, WARN), complete=True):
    by_row = {(r.metric.id, r.variant): o for r, o in zip(rows, outcomes, strict=True)}
    judged = may_judge(checks, complete)
    shipping = shipping_arms(rows, by_row, arms) if judged else ()
    preference = Preference(shipping[0]) if shipping else None
    outcomes_seen = by_row if judged else {}
    return decide(rows, outcomes_seen, arms, checks, complete=complete, preference=preference)


@pytest.mark.parametrize(
    ("outcomes", "decision", "arm"),
    [
        (["improved", "within_margin"], "ship", "ships"),
        (["improved", "unclear"], "inconclusive", "open"),
        (["improved", "harmed"], "do_not_ship", "harmed"),
        (["harmed", "within_margin"], "do_not_ship", "harmed"),
        (["excluded", "within_margin"], "do_not_ship", "no_gain"),
        (["unclear", "within_margin"], "inconclusive", "open"),
    ],
)
def test_one_arm_decides_for_the_experiment(outcomes, decision, arm):
    rows = [row("gain", "t"), row("guard", "t", **GUARD)]
    result = ruling(rows, outcomes)
    assert (result.decision, result.arms["t"]) == (decision, arm)
    assert result.recommended == ("t" if decision == "ship" else None)


@pytest.mark.parametrize(
    ("first", "second", "decision"),
    [
        ("harmed", "excluded", "do_not_ship"),
        ("harmed", "unclear", "inconclusive"),
        ("harmed", "improved", "ship"),
        ("excluded", "excluded", "do_not_ship"),
    ],
)
def test_every_arm_must_be_lost_before_nothing_ships(first, second, decision):
    rows = [row("gain", "a"), row("gain", "b")]
    result = ruling(rows, [first, second], arms=("a", "b"))
    assert result.decision == decision
    assert result.recommended == ("b" if decision == "ship" else None)


def test_a_failed_check_comes_before_everything_and_nothing_is_judged():
    rows = [row("gain", "t")]
    result = ruling(rows, ["improved"], checks=(FAIL,), complete=False)
    assert result.decision == "invalid"
    assert result.arms == {"t": None}
    assert result.outcomes == {}
    assert [reason.code for reason in result.reasons] == ["check_failed"]


def test_an_incomplete_fixed_experiment_keeps_running_whatever_it_shows():
    result = ruling([row("gain", "t", estimate=9.0)], ["improved"], complete=False)
    assert result.decision == "keep_running"
    assert result.outcomes == {}
    assert [reason.code for reason in result.reasons] == ["not_complete"]


def test_reasons_name_every_deciding_row_and_every_decided_arm():
    rows = [row("gain", "t"), row("guard", "t", **GUARD)]
    codes = [
        (r.code, r.metric, r.variant) for r in ruling(rows, ["improved", "within_margin"]).reasons
    ]
    assert codes == [
        ("improved", "gain", "t"),
        ("within_margin", "guard", "t"),
        ("arm_ships", None, "t"),
    ]


@pytest.mark.parametrize(
    ("p_value", "code"),
    [
        (0.01, "recommended_distinguishable"),
        (0.40, "recommended_not_distinguishable"),
        (None, "recommended_not_distinguishable"),
    ],
)
def test_a_reason_says_whether_the_best_arm_differs_from_the_next(p_value, code):
    rows = [row("gain", "a"), row("gain", "b")]
    outcomes = {("gain", "a"): "improved", ("gain", "b"): "improved"}
    result = decide(
        rows, outcomes, ("a", "b"), (PASS,), complete=True,
        preference=Preference("b", "a", p_value, 0.05),
    )  # fmt: skip
    assert result.recommended == "b"
    assert result.reasons[-1].code == code


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (
            ["improved", "within_margin"],
            "Ship t: gain rose by 1.00 (95% interval 0.50 to 1.50), and 1 guardrail held.",
        ),
        (["harmed", "within_margin"], "Do not ship t: gain rose by"),
        (["excluded", "within_margin"], "Do not ship t: no gain worth having; gain rose by"),
        (
            ["improved", "unclear"],
            "but guard was not shown to stay within the margin.",
        ),
        (["unclear", "within_margin"], "Inconclusive: gain rose by"),
    ],
)
def test_the_headline_says_it_in_one_sentence(outcomes, expected):
    rows = [row("gain", "t"), row("guard", "t", **GUARD)]
    text = headline(ruling(rows, outcomes), rows, (PASS,), None, None)
    assert expected in text
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["improved", "within_margin", "unclear", "harmed"], "in a, which decides nothing."),
        (["improved", "harmed", "unclear", "unclear"], "in a, but guard got worse."),
        (["improved", "unclear", "unclear", "harmed"],
         "in a, but guard was not shown to stay within the margin."),
    ],
)  # fmt: skip
def test_the_headline_says_of_an_arm_only_what_happened_in_it(outcomes, expected):
    rows = [row(m, arm, **k) for arm in "ab" for m, k in (("gain", {}), ("guard", GUARD))]
    result = ruling(rows, outcomes, arms=("a", "b"))
    text = headline(replace(result, decision="inconclusive"), rows, (PASS,), None, None)
    assert text == f"Inconclusive: gain rose by 1.00 (95% interval 0.50 to 1.50) {expected}"


def test_a_primary_that_was_not_computed_is_not_said_to_decide_nothing():
    gain, guard = row("gain", "t"), row("guard", "t", **GUARD)
    gone = replace(gain, effect=gain.effect.model_copy(update={"status": "not_computed"}))
    for outcomes, rest in (
        (["unclear", "within_margin"], "."),
        (["unclear", "unclear"], ", and guard was not shown to stay within the margin."),
    ):
        text = headline(ruling([gone, guard], outcomes), [gone, guard], (PASS,), None, None)
        assert text == f"Inconclusive: gain could not be computed{rest}"


def test_the_headline_of_an_invalid_experiment_names_the_failed_check():
    rows = [row("gain", "t")]
    text = headline(ruling(rows, ["improved"], checks=(FAIL,)), rows, (FAIL,), None, None)
    assert text.startswith("Invalid: the arms do not hold the shares")
