"""Why the verdict is what it is, in plain sentences made from codes and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from abtest.show.check_words import arms
from abtest.show.effect_words import Row, effect_sentence, label_of
from abtest.show.numbers import count, moment, p_phrase
from abtest.show.words import check_name, readable


def reason_sentence(reason: Row, labels: Mapping[str, str], effects: Sequence[Row] = ()) -> str:
    """Return one sentence for a reason.

    `effects` are the rows of the document: where the row that a reason speaks about is
    among them, the sentence gives its numbers.
    """
    code = reason["code"]
    if code in _ARM_SENTENCES:
        return _ARM_SENTENCES[code](reason, labels)
    row = _row_of(reason, effects)
    if row is not None:
        return effect_sentence(row, label_of(reason["metric"], labels))
    return _without_numbers(reason, labels)


def _row_of(reason: Row, effects: Sequence[Row]) -> Row | None:
    return next(
        (
            effect
            for effect in effects
            if effect["metric"] == reason.get("metric")
            and effect["variant"] == reason.get("variant")
            and effect["segment"] is None
        ),
        None,
    )


def _without_numbers(reason: Row, labels: Mapping[str, str]) -> str:
    metric = label_of(reason.get("metric"), labels)
    subject = " in ".join(part for part in (metric, reason.get("variant") or "") if part)
    said = {
        "improved": "improved",
        "within_margin": "stayed within its margin",
        "harmed": "got worse",
        "excluded": "did not gain what the experiment was sized for",
        "unclear": "could have moved either way",
        "not_computed": "could not be computed",
    }.get(reason["code"])
    if said is None:
        return f"{readable(reason['code'])}{': ' + subject if subject else ''}."
    return f"{subject or 'A metric'} {said}."


def _check_failed(reason: Row, _labels: Mapping[str, str]) -> str:
    name = str(reason["values"].get("check") or "")
    subject = f"The check “{check_name(name)}”" if name else "A validity check"
    p = p_phrase(reason["values"].get("p_value"))
    return f"{subject} failed{f' ({p})' if p else ''}: the effects cannot be trusted."


def _not_complete(reason: Row, _labels: Mapping[str, str]) -> str:
    values = reason["values"]
    until = values.get("closes") or values.get("complete_at")
    when = f" It will be complete on {moment(str(until))}." if until else ""
    return f"The experiment has not run to its end, so its effects are not judged.{when}"


def _distinguishable(reason: Row, _labels: Mapping[str, str]) -> str:
    return f"{_arm(reason)} is better than {_next(reason)} by more than chance explains."


def _not_distinguishable(reason: Row, _labels: Mapping[str, str]) -> str:
    return (
        f"{_arm(reason)} has the highest estimate, but the data do not tell it apart from "
        f"{_next(reason)}."
    )


def _short_of_plan(reason: Row, _labels: Mapping[str, str]) -> str:
    values = reason["values"]
    planned, seen = values.get("planned"), values.get("units", values.get("observed"))
    if isinstance(planned, int | float) and isinstance(seen, int | float):
        return f"The experiment has {count(seen)} of {count(planned)} planned units."
    if arms(planned) and arms(seen):
        return f"Fewer units than planned: {arms(seen)}; planned: {arms(planned)}."
    return "The experiment has fewer units than planned."


def _arm(reason: Row) -> str:
    return str(reason.get("variant") or "The arm")


def _next(reason: Row) -> str:
    values = reason["values"]
    name = values.get("next") or values.get("other") or values.get("runner_up")
    return str(name or "the next best arm")


_ARM_SENTENCES: dict[str, Callable[[Row, Mapping[str, str]], str]] = {
    "check_failed": _check_failed,
    "not_complete": _not_complete,
    "arm_ships": lambda reason, _: f"{_arm(reason)} meets every condition to ship.",
    "arm_harmed": lambda reason, _: f"{_arm(reason)} does harm.",
    "arm_no_gain": lambda reason, _: (
        f"{_arm(reason)} does not bring the gain that the experiment was sized for."
    ),
    "recommended_distinguishable": _distinguishable,
    "recommended_not_distinguishable": _not_distinguishable,
    "short_of_plan": _short_of_plan,
}
