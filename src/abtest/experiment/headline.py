"""The verdict in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from abtest.experiment.document import Check
from abtest.experiment.effects import Row
from abtest.experiment.verdict import Ruling
from abtest.metrics import MetricDefinition
from abtest.show.effect_words import change_phrase


def headline(
    ruling: Ruling,
    rows: Sequence[Row],
    checks: Sequence[Check],
    closes: datetime | None,
    as_of: datetime | None,
) -> str:
    """Return one sentence that a stakeholder can act on.

    `rows` are the deciding rows of the whole experiment; `closes` is when the last
    deciding window closes.
    """
    if ruling.decision == "invalid":
        return _invalid(checks)
    if ruling.decision == "keep_running":
        return _keep_running(closes, as_of)
    sentence: Mapping[str, Callable[[Ruling, Sequence[Row]], str]] = {
        "ship": _ship,
        "do_not_ship": _do_not_ship,
        "inconclusive": _inconclusive,
    }
    return sentence[ruling.decision](ruling, rows)


def said(row: Row) -> str:
    """Return the row's metric and what happened to it."""
    return change_phrase(row.effect.model_dump(), _inside(row.metric))


def margin_words(metric: MetricDefinition) -> str:
    """Return the acceptable loss in words."""
    if metric.margin is not None:
        return f"{100 * metric.margin:.4g}%"
    return f"{metric.margin_absolute:.4g}"


def _inside(metric: MetricDefinition) -> str:
    """Return the label as it stands inside a sentence: "7-day retention", "NPS", "visits"."""
    label = metric.label
    first = label.split(" ", 1)[0]
    return label if first.isupper() or not first[1:].islower() else label[0].lower() + label[1:]


def _ship(ruling: Ruling, rows: Sequence[Row]) -> str:
    arm = ruling.recommended
    own = [row for row in rows if row.variant == arm]
    improved = [r for r in own if ruling.outcomes[r.metric.id, r.variant] == "improved"]
    guarded = sum(row.metric.test == "non_inferiority" for row in own)
    if improved:
        kept = f", and {_count(guarded, 'guardrail')} held" if guarded else ""
        return f"Ship {arm}: {said(improved[0])}{kept}."
    primary = next(row for row in own if row.metric.role == "primary")
    return (
        f"Ship {arm}: {_inside(primary.metric)} did not get worse by more than its margin of "
        f"{margin_words(primary.metric)}; it {_phrase_only(primary)}."
    )


def _do_not_ship(ruling: Ruling, rows: Sequence[Row]) -> str:
    harmed = [r for r in rows if ruling.outcomes.get((r.metric.id, r.variant)) == "harmed"]
    arms = list(ruling.arms)
    what = arms[0] if len(arms) == 1 else "any arm"
    if not harmed:
        row = next(r for r in rows if r.metric.role == "primary")
        return f"Do not ship {what}: no gain worth having; {said(row)}."
    first = harmed[0]
    where = f" in {first.variant}" if len(arms) > 1 else ""
    more = _count(len({r.variant for r in harmed}), "arm") if len(arms) > 1 else ""
    tail = f"; {more} harmed" if more and len({r.variant for r in harmed}) > 1 else ""
    return f"Do not ship {what}: {said(first)}{where}{tail}."


def _inconclusive(ruling: Ruling, rows: Sequence[Row]) -> str:
    improved = [r for r in rows if ruling.outcomes.get((r.metric.id, r.variant)) == "improved"]
    primary = improved[0] if improved else next(r for r in rows if r.metric.role == "primary")
    arm = f" in {primary.variant}" if len(ruling.arms) > 1 else ""
    computed = primary.effect.status == "ok"
    own = [r for r in rows if r.variant == primary.variant and (computed or r is not primary)]
    outcomes = {row.metric.id: ruling.outcomes.get((row.metric.id, row.variant)) for row in own}
    harmed = [r for r in own if outcomes[r.metric.id] == "harmed" and r is not primary]
    unsafe = [
        row
        for row in own
        if row.metric.test == "non_inferiority" and outcomes[row.metric.id] != "within_margin"
    ]
    but = "but" if computed else "and"
    sentence = f"Inconclusive: {said(primary)}{arm}"
    if harmed:
        return f"{sentence}, {but} {_names(harmed)} got worse."
    if unsafe:
        verb = "was" if len(unsafe) == 1 else "were"
        return f"{sentence}, {but} {_names(unsafe)} {verb} not shown to stay within the margin."
    return f"{sentence}, which decides nothing." if computed else f"{sentence}."


def _names(rows: Sequence[Row]) -> str:
    return _listed([_inside(row.metric) for row in rows])


def _keep_running(closes: datetime | None, as_of: datetime | None) -> str:
    if closes is None:
        return "Keep running: the experiment is not complete."
    reached = f"; data reach {_day(as_of)}" if as_of is not None else ""
    return f"Keep running: effects can be judged from {_day(closes)}{reached}."


def _invalid(checks: Sequence[Check]) -> str:
    failed = [check for check in checks if check.status == "fail"]
    more = len(failed) - 1
    also = f" ({_count(more, 'more check')} failed)" if more else ""
    return f"Invalid: {FAILURES[failed[0].code]}{also}; the effects cannot be trusted."


FAILURES = {
    "sample_ratio_mismatch": "the arms do not hold the shares of units that were planned",
    "allocation_drifted": "the shares of the arms changed during enrolment",
    "crossover_many": "too many units met more than one variant",
    "crossover_unequal": "units that met two variants fall more on one arm",
    "units_too_few": "an arm has hardly any unit to judge by",
    "variants_unknown_many": "too many rows name a variant that was not declared",
}
"""What each failed check means, by its code."""


def _phrase_only(row: Row) -> str:
    return said(row).removeprefix(_inside(row.metric)).strip()


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
