"""The outcome tables of the pre-registered rule, row by row and arm by arm."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from scipy.special import ndtr, ndtri

from abtest.experiment.levels import row_levels
from abtest.experiment.outcome import DecidingRow, arm_outcome, row_outcome
from abtest.metrics import MeanMetric
from abtest.stats.proportions.score import ScorePair


@dataclass(frozen=True)
class NormalPair:
    """Two arms with known variances: the simplest PairEstimate there is."""

    control_value: float
    treatment_value: float
    variance: float = 1e-4  # of each arm's mean

    def test(self, *, absolute=0.0, relative=None, alternative="two-sided"):
        factor = 1.0 + (relative or 0.0)
        shift = 0.0 if relative is not None else absolute
        se = (self.variance * (1 + factor**2)) ** 0.5
        z = (self.treatment_value - factor * self.control_value - shift) / se
        tails = {"greater": ndtr(-z), "less": ndtr(z), "two-sided": 2 * ndtr(-abs(z))}
        return type("T", (), {"p_value": float(tails[alternative])})()


def metric(**keys):
    defaults = {
        "id": "m",
        "kind": "mean",
        "value": "m",
        "role": "primary",
        "direction": "increase",
    }
    return MeanMetric.model_validate(defaults | keys)


SE = (2 * 1e-4) ** 0.5


@pytest.mark.parametrize(
    ("effect", "keys", "expected"),
    [
        (+5 * SE, {}, "improved"),
        (-5 * SE, {}, "harmed"),
        (+5 * SE, {"direction": "decrease"}, "harmed"),
        (-5 * SE, {"direction": "decrease"}, "improved"),
        (0.0, {}, "unclear"),
        (0.0, {"mde": 0.10}, "excluded"),
        (0.0, {"mde": 0.01}, "unclear"),
        (0.0, {"mde": 0.10, "direction": "decrease"}, "excluded"),
        (0.0, {"margin": 0.05}, "within_margin"),
        (0.0, {"margin": 0.01}, "unclear"),
        (-0.10, {"margin": 0.05}, "harmed"),
        (+0.10, {"margin": 0.05, "direction": "decrease"}, "harmed"),
        (-0.04, {"margin": 0.10}, "within_margin"),
        (0.0, {"margin_absolute": 0.05}, "within_margin"),
        (0.0, {"margin_absolute": 0.05, "direction": "decrease"}, "within_margin"),
        (0.0, {"margin_absolute": 0.01}, "unclear"),
    ],
)
def test_a_row_comes_to_what_the_table_says(effect, keys, expected):
    pair = NormalPair(1.0, 1.0 + effect)
    assert row_outcome(metric(**keys), pair, 0.05) == expected


def test_a_fall_by_more_than_all_of_a_rare_proportion_is_ruled_out():
    """The score method has no statistic there; that must not end the analysis."""
    pair = ScorePair(4, 200, 5, 200)
    assert row_outcome(metric(mde=1.5, direction="decrease"), pair, 0.05) == "excluded"


def test_a_loss_that_is_significant_but_within_the_margin_is_not_harm():
    """`harmed` needs `not within_margin`: a small sure loss was accepted in advance."""
    pair = NormalPair(1.0, 0.96)  # 2.8 standard errors below, margin 10%
    assert pair.test(alternative="less").p_value < 0.025
    assert row_outcome(metric(margin=0.10), pair, 0.05) == "within_margin"


def test_the_row_decides_exactly_at_its_share_of_alpha():
    z = float(ndtri(1 - 0.025 / 2))
    just_above, just_below = (
        NormalPair(1.0, 1 + 1.001 * z * SE),
        NormalPair(1.0, 1 + 0.999 * z * SE),
    )
    assert row_outcome(metric(), just_above, 0.025) == "improved"
    assert row_outcome(metric(), just_below, 0.025) == "unclear"


@pytest.mark.parametrize("control", [0.0, -1.0])
def test_a_relative_margin_of_a_control_that_is_not_positive_never_passes(control):
    assert row_outcome(metric(margin=0.5), NormalPair(control, control), 0.05) == "unclear"
    assert row_outcome(metric(margin=0.5), NormalPair(control, control - 1), 0.05) == "harmed"


def rows(*outcomes):
    names = {"s": ("primary", "superiority"), "n": ("primary", "non_inferiority")}
    names["g"] = ("guardrail", "non_inferiority")
    return [
        DecidingRow(f"m{i}", *names[kind], "t", outcome)
        for i, (kind, outcome) in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("s", "improved")], "ships"),
        ([("s", "improved"), ("s", "unclear")], "ships"),
        ([("s", "improved"), ("s", "harmed")], "harmed"),
        ([("s", "improved"), ("g", "within_margin")], "ships"),
        ([("s", "improved"), ("g", "unclear")], "open"),
        ([("s", "improved"), ("g", "harmed")], "harmed"),
        ([("s", "unclear"), ("g", "within_margin")], "open"),
        ([("s", "excluded"), ("g", "within_margin")], "no_gain"),
        ([("s", "excluded"), ("s", "unclear")], "open"),
        ([("s", "excluded"), ("g", "unclear")], "no_gain"),
        ([("n", "within_margin")], "ships"),
        ([("n", "within_margin"), ("g", "within_margin")], "ships"),
        ([("n", "unclear")], "open"),
        ([("n", "harmed")], "harmed"),
        ([("n", "within_margin"), ("s", "unclear")], "open"),
    ],
)
def test_an_arm_comes_to_what_the_rule_says(given, expected):
    assert arm_outcome(rows(*given)) == expected


def test_superiority_primaries_share_alpha_and_margins_use_all_of_it():
    metrics = [
        metric(id="a"),
        metric(id="b", weight=3.0),
        metric(id="n", margin=0.1),
        metric(id="g", role="guardrail", margin=0.1),
        metric(id="d", role="diagnostic"),
    ]
    levels = row_levels(metrics, 2, 0.05)
    assert levels["a"].alpha == pytest.approx(0.05 / 8)
    assert levels["b"].alpha == pytest.approx(0.05 * 3 / 8)
    assert 2 * (levels["a"].alpha + levels["b"].alpha) == pytest.approx(0.05)
    assert {levels[name].alpha for name in ("n", "g", "d")} == {0.05}
    assert levels["a"].interval == "simultaneous"
    assert levels["g"].interval == "individual"
