"""What each check found, in plain sentences made from its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from abtest.show.effect_words import Row, label_of
from abtest.show.numbers import count, moment, number, p_phrase, percent
from abtest.show.words import readable

Values = Mapping[str, Any]
NO_LABELS: Mapping[str, str] = {}


def check_sentence(check: Row, labels: Mapping[str, str] = NO_LABELS) -> str:
    """Return one or two sentences about what a check found and what it means.

    Values that are not there leave their part of the sentence out.
    """
    if check["status"] == "not_computed":
        return "This could not be checked."
    said = _SENTENCES.get(check["check"], _any_check)(check, labels).rstrip(". ")
    p = p_phrase(check.get("p_value"))
    return f"{said} ({p})." if p else f"{said}."


def arms(counts: object, show: Callable[[float | None], str] = count) -> str:
    """Return numbers by arm: ``control 100, treatment 98``."""
    if not isinstance(counts, Mapping):
        return ""
    return ", ".join(f"{name} {show(counts[name])}" for name in counts)


def shares(counts: object) -> dict[str, float]:
    """Return counts or shares by arm as shares that sum to 1; {} if there is nothing to divide."""
    if not isinstance(counts, Mapping) or not counts:
        return {}
    total = sum(counts.values())
    return {name: part / total for name, part in counts.items()} if total else {}


def _sample_ratio(check: Row, _labels: Mapping[str, str]) -> str:
    values: Values = check["values"]
    seen = arms(shares(values.get("observed")), _share_of_units)
    planned = arms(shares(values.get("expected") or values.get("planned")), _share_of_units)
    found = f"Units by arm: {seen}; planned: {planned}. " if seen and planned else ""
    meaning = {
        "pass": "The shares are what chance would give",
        "warn": "Chance rarely gives shares this far from the plan; look for a cause",
        "fail": "Chance does not give shares this far from the plan: units are missing or "
        "assigned wrongly, so the arms cannot be compared",
    }
    return found + meaning.get(check["status"], "")


def _allocation_drift(check: Row, _labels: Mapping[str, str]) -> str:
    if check["status"] == "pass":
        return "The arms had the same shares on every day of enrolment"
    day = check["values"].get("worst_day")
    worst = f", most of all on {moment(str(day))}" if day else ""
    return (
        f"The shares of the arms changed during enrolment{worst}: "
        "days with different mixes of units are being compared"
    )


def _crossover(check: Row, labels: Mapping[str, str]) -> str:
    values: Values = check["values"]
    if not values.get("units"):
        return "No unit was seen in two variants"
    by_arm = arms(values.get("by_variant"))
    detail = f"; by first variant: {by_arm}" if by_arm else ""
    said = (
        f"{_units(values['units'])} ({_share(values)}) seen in two variants and left out{detail}. "
    )
    meaning = {
        "crossover_unequal": "Their share differs between the arms, so what is left is not "
        "comparable",
        "crossover_many": "More than 1% is too many: variants were not kept apart",
    }
    beside = [_first_variant(row, labels) for row in values.get("first_variant") or ()]
    counted = f". Counted in the arm they met first: {'; '.join(beside)}" if beside else ""
    return said + meaning.get(check["code"], "Too few to matter") + counted


def _first_variant(row: Row, labels: Mapping[str, str]) -> str:
    shown = [number(row[part], sign=True) for part in ("estimate", "lower", "upper")]
    label = label_of(row["metric"], labels)
    return f"{label} in {row['variant']} {shown[0]} ({shown[1]} to {shown[2]})"


def _enough(check: Row, _labels: Mapping[str, str]) -> str:
    by_arm = arms(check["values"].get("by_variant"))
    found = f"Units that count: {by_arm}. " if by_arm else ""
    meaning = {
        "pass": "Every arm has enough units to be compared",
        "warn": "An arm has fewer than 100 units: intervals are rough",
        "fail": "An arm has fewer than two units: nothing can be compared",
    }
    return found + meaning.get(check["status"], "")


def _unknown_variant(check: Row, _labels: Mapping[str, str]) -> str:
    values: Values = check["values"]
    if not values.get("rows"):
        return "The data name only the variants of the experiment file"
    named = arms(values.get("by_variant"))
    detail = f": {named}" if named else ""
    return (
        f"{_rows(values['rows'])} ({_share(values)}) name a variant that the experiment file does "
        f"not{detail}. They are left out"
    )


def _missing_values(check: Row, labels: Mapping[str, str]) -> str:
    sentences = [
        f"{said}: {_by_metric(check['values'][key], labels)}"
        for key, said in _LACKING.items()
        if check["values"].get(key)
    ]
    if not sentences:
        return "No deciding metric misses a value"
    meaning = {
        "warn": "Values are missing in a way that can bias the comparison",
        "pass": "Few are missing, and equally in all arms",
    }
    return f"{'. '.join(sentences)}. {meaning.get(check['status'], '')}"


_LACKING = {
    "by_metric": "Units without a value",
    "valueless": "Units with an event that has no value and adds nothing",
}


def _by_metric(found_by_metric: Mapping[str, object], labels: Mapping[str, str]) -> str:
    return "; ".join(
        f"{label_of(metric, labels)}: {_small(found.get('share'))} ({arms(found['by_variant'])})"
        if isinstance(found, Mapping) and "by_variant" in found
        else label_of(metric, labels)
        for metric, found in found_by_metric.items()
    )


def _small(share: float | None) -> str:
    return "under 0.1%" if share is not None and 0 < share < 1e-3 else percent(share, 1)


def _without_events(check: Row, _labels: Mapping[str, str]) -> str:
    values: Values = check["values"]
    by_arm = arms(values.get("by_variant"))
    found = (
        f"{_units(values['units'])} without any event in the longest window ({by_arm}). "
        if values.get("units")
        else ""
    )
    if check["status"] == "pass":
        return found + "The share is the same in all arms"
    return found + "The share differs between arms: a real effect, or logging that works in one arm"


def _immature(check: Row, labels: Mapping[str, str]) -> str:
    values: Values = check["values"]
    if not _amount(values):
        return "Every unit's window has closed"
    by_metric = values.get("by_metric") or {}
    parts = [
        f"{label_of(metric, labels)}: {arms(found)}"
        for metric, found in by_metric.items()
        if isinstance(found, Mapping)
    ]
    detail = f" {'; '.join(parts)}." if parts else ""
    return f"Units whose window has not closed do not count yet.{detail}"


def _late_data(check: Row, _labels: Mapping[str, str]) -> str:
    if not _amount(check["values"]):
        return "No data are later than the date of the analysis"
    return f"{_rows(_amount(check['values']))} later than the date of the analysis: not counted"


def _future_times(check: Row, _labels: Mapping[str, str]) -> str:
    if not _amount(check["values"]):
        return "No time lies in the future"
    return f"{_rows(_amount(check['values']))} with a time in the future: a wrong clock or zone"


def _duplicates(check: Row, _labels: Mapping[str, str]) -> str:
    if not _amount(check["values"]):
        return "No row that counts repeats another"
    kinds = {
        name: repeated
        for name, repeated in check["values"].items()
        if name in ("exposures", "events", "units") and repeated
    }
    detail = f" ({arms(kinds)})" if kinds else ""
    return f"{_rows(_amount(check['values']))} repeat another exactly{detail}; each counts once"


def _lock(check: Row, _labels: Mapping[str, str]) -> str:
    if check["status"] == "pass":
        return "The analysis keeps to the plan that was locked before the data"
    if "absent" in check["code"] or "no_lock" in check["code"] or "missing" in check["code"]:
        return "No lock: nothing shows that the plan came before the data, so this is exploratory"
    return "The analysis departs from the locked plan; the differences are listed below"


def _any_check(check: Row, _labels: Mapping[str, str]) -> str:
    return readable(check["code"])


_SENTENCES: dict[str, Callable[[Row, Mapping[str, str]], str]] = {
    "sample_ratio": _sample_ratio,
    "allocation_drift": _allocation_drift,
    "crossover": _crossover,
    "units": _enough,
    "unknown_variant": _unknown_variant,
    "missing_values": _missing_values,
    "exposure_without_events": _without_events,
    "immature": _immature,
    "late_data": _late_data,
    "future_times": _future_times,
    "duplicates": _duplicates,
    "lock": _lock,
}


def _share_of_units(shown: float | None) -> str:
    return percent(shown, 2)


def _share(values: Values) -> str:
    share = values.get("share")
    if share is None:
        return "share unknown"
    return "under 0.01%" if 0 < share < 1e-4 else percent(share, 2)


def _amount(values: Values) -> float:
    return float(values.get("units") or values.get("rows") or 0)


def _units(amount: float) -> str:
    return "1 unit" if amount == 1 else f"{number(amount, 0)} units"


def _rows(amount: float) -> str:
    return "1 row" if amount == 1 else f"{number(amount, 0)} rows"
