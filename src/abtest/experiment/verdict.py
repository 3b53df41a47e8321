"""The pre-registered rule: from checks and outcomes to one of five words, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from abtest.experiment.document import ArmOutcome, Check, Decision, Reason, RowOutcome
from abtest.experiment.effects import Row
from abtest.experiment.outcome import DecidingRow, arm_outcome


@dataclass(frozen=True)
class Ruling:
    """What the rule says; outcomes are None where effects must not be judged."""

    decision: Decision
    recommended: str | None
    reasons: tuple[Reason, ...]
    arms: Mapping[str, ArmOutcome | None]
    outcomes: Mapping[tuple[str, str], RowOutcome]


@dataclass(frozen=True)
class Preference:
    """Which of the shipping arms is best, and whether that is more than chance."""

    best: str
    following: str | None = None
    p_value: float | None = None
    alpha: float = 0.05


def may_judge(checks: Sequence[Check], complete: bool) -> bool:
    """Whether a fixed experiment's effects may be judged: complete, and no check failed."""
    return complete and all(check.status != "fail" for check in checks)


def decide(
    rows: Sequence[Row],
    outcomes: Mapping[tuple[str, str], RowOutcome],
    treatments: Sequence[str],
    checks: Sequence[Check],
    *,
    complete: bool,
    preference: Preference | None = None,
    waiting: Mapping[str, Any] | None = None,
) -> Ruling:
    """Return the ruling of a fixed experiment: the first line of the table that applies.

    Parameters
    ----------
    rows
        Deciding rows of the whole experiment.
    outcomes
        Outcome of each by (metric, variant); empty where effects must not be judged.
    treatments
        Arms, in the order of the file.
    checks
        All checks.
    complete
        Whether the last deciding window has closed.
    preference
        The best of the arms that ship, if any do.
    waiting
        Values for the reason `not_complete`.
    """
    failed = [check for check in checks if check.status == "fail"]
    nothing: dict[str, ArmOutcome | None] = dict.fromkeys(treatments)
    if failed:
        reasons = tuple(
            Reason(code="check_failed", values={"check": check.check, "code": check.code})
            for check in failed
        )
        return Ruling("invalid", None, reasons, nothing, {})
    if not complete:
        reason = Reason(code="not_complete", values=dict(waiting or {}))
        return Ruling("keep_running", None, (reason,), nothing, {})
    arms = {arm: _arm(arm, rows, outcomes) for arm in treatments}
    reasons = _row_reasons(rows, outcomes)
    reasons += tuple(
        Reason(code=_ARM_CODES[arms[arm]], variant=arm)
        for arm in treatments
        if arms[arm] in _ARM_CODES
    )
    if preference is not None:
        return Ruling("ship", preference.best, (*reasons, *_preference(preference)), arms, outcomes)
    lost = all(arms[arm] in ("harmed", "no_gain") for arm in treatments)
    return Ruling("do_not_ship" if lost else "inconclusive", None, reasons, arms, outcomes)


def shipping_arms(
    rows: Sequence[Row],
    outcomes: Mapping[tuple[str, str], RowOutcome],
    treatments: Sequence[str],
) -> tuple[str, ...]:
    """Return the arms that ship, in the order of the file."""
    return tuple(arm for arm in treatments if _arm(arm, rows, outcomes) == "ships")


_ARM_CODES: Mapping[ArmOutcome, Any] = {
    "ships": "arm_ships",
    "harmed": "arm_harmed",
    "no_gain": "arm_no_gain",
}


def _arm(
    arm: str, rows: Sequence[Row], outcomes: Mapping[tuple[str, str], RowOutcome]
) -> ArmOutcome:
    return arm_outcome(
        [
            DecidingRow(
                row.metric.id,
                row.metric.role,
                row.metric.test,
                row.variant,
                outcomes[row.metric.id, row.variant],
            )
            for row in rows
            if row.variant == arm
        ]
    )


def _row_reasons(
    rows: Sequence[Row], outcomes: Mapping[tuple[str, str], RowOutcome]
) -> tuple[Reason, ...]:
    found = []
    for row in rows:
        effect = row.effect
        if effect.status != "ok":
            found.append(
                Reason(
                    code="not_computed",
                    metric=row.metric.id,
                    variant=row.variant,
                    values={"reason": effect.reason},
                )
            )
            continue
        values = {
            "estimate": effect.absolute.estimate,
            "lower": effect.absolute.lower,
            "upper": effect.absolute.upper,
        }
        found.append(
            Reason(
                code=outcomes[row.metric.id, row.variant],
                metric=row.metric.id,
                variant=row.variant,
                values=values,
            )
        )
    return tuple(found)


def _preference(preference: Preference) -> tuple[Reason, ...]:
    if preference.following is None:
        return ()
    clear = preference.p_value is not None and preference.p_value < preference.alpha
    code = "recommended_distinguishable" if clear else "recommended_not_distinguishable"
    values = {"next": preference.following, "p_value": preference.p_value}
    return (Reason(code=code, variant=preference.best, values=values),)
