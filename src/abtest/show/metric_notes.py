"""What each number means, and which could not be had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from abtest.show import effect_words as say
from abtest.show.effect_words import Row
from abtest.show.fragment import Fragment, section
from abtest.show.numbers import count, days, number, percent
from abtest.show.tables import Cell, Column, Group, Table
from abtest.show.words import DIRECTIONS, SAVERS, method_name


def definitions(notes: Iterable[object], document: Row | None = None) -> Fragment:
    """Return what every metric counts, over which days, which way is good and how it is judged."""
    effects = [] if document is None else document["effects"]
    whole = [effect for effect in effects if effect["segment"] is None]
    rows = [
        [
            Cell(str(note.get("label") or note["metric"]), note["metric"]),
            Cell(str(note.get("sentence") or ""), str(note.get("description") or "")),
            Cell(_window(note.get("window"))),
            Cell(DIRECTIONS.get(note.get("direction", ""), "")),
            *([_method(whole, note)] if document is not None else []),
        ]
        for note in map(say.as_row, notes)
    ]
    columns = [
        Column("Metric"),
        Column("What is counted"),
        Column("Days"),
        Column("Direction"),
        *([Column("Method")] if document is not None else []),
    ]
    table = Table("One unit is what was randomised", columns, [Group(rows)]).fragment()
    return section("What the metrics mean", table, name="definitions") if rows else table


def not_computed(document: Row, notes: Iterable[object] = ()) -> Fragment:
    """Return every row without numbers and why; empty when there is none."""
    labels = say.labels_of(notes)
    rows = [
        [
            Cell(say.label_of(effect["metric"], labels), _segment(effect)),
            Cell(effect["variant"]),
            Cell(say.not_computed_reason(effect.get("reason"), effect.get("reason_values"))),
            Cell(count(effect["n_control"])),
            Cell(count(effect["n_treatment"])),
        ]
        for effect in document["effects"]
        if effect["status"] != "ok"
    ]
    if not rows:
        return Fragment("", "Every effect was computed.", "Every effect was computed.")
    columns = [
        Column("Metric"),
        Column("Arm"),
        Column("Why"),
        Column("Control units", numeric=True),
        Column("Treatment units", numeric=True),
    ]
    table = Table("Effects without numbers", columns, [Group(rows)]).fragment()
    return section("What could not be computed", table, name="not-computed")


def _method(effects: Iterable[Row], note: Row) -> Cell:
    """Return how a metric was judged in all of its arms, and what a reader should know of each."""
    own = [row for row in effects if row["metric"] == note["metric"] and row["status"] == "ok"]
    facts = [*_winsorized(own), *_adjustments(own, note), *_savings(own)]
    said = [words for effect in own for words in say.warning_words(effect)]
    for words in dict.fromkeys(said):
        arms = [effect["variant"] for effect in own if words in say.warning_words(effect)]
        facts.append(words if len(arms) == len(own) else f"{words} ({', '.join(arms)})")
    methods = dict.fromkeys(method_name(effect["method"]) for effect in own)
    return Cell("; ".join(methods), "; ".join(facts))


def _winsorized(effects: Iterable[Row]) -> list[str]:
    """Return the threshold of a winsorised metric, and how many units were above it.

    Examples
    --------
    >>> cut = {"threshold": 250.0, "above": {"old": 12, "new": 14}}
    >>> _winsorized([{"winsorized": cut}])
    ['values above 250 count as 250 (units above: old 12, new 14)']
    """
    cuts = [cut for effect in effects if (cut := effect.get("winsorized"))]
    above = {arm: units for cut in cuts for arm, units in cut["above"].items()}
    if not cuts:
        return []
    limit = number(cuts[0]["threshold"])
    units = ", ".join(f"{arm} {count(counted)}" for arm, counted in above.items())
    return [f"values above {limit} count as {limit} (units above: {units})"]


def _adjustments(effects: Iterable[Row], note: Row) -> list[str]:
    """Return what was taken out of the noise, in words: as far as a method of a row did it."""
    done = " ".join(SAVERS.get(effect["method"], "") for effect in effects)
    covariates, strata = note.get("covariates"), note.get("strata")
    facts = [f"adjusted for {covariates}"] if covariates and "CUPED" in done else []
    return facts + ([f"compared within each {strata}"] if strata and "strata" in done else [])


def _savings(effects: Iterable[Row]) -> list[str]:
    """Return what covariates and strata took off the variance, over the arms of a metric.

    Examples
    --------
    >>> _savings([{"method": "welch_cuped", "variance_reduction": saved} for saved in (0.1, 0.24)])
    ['CUPED took 10% to 24% off the variance']
    """
    shares: dict[str, list[float]] = {}
    for effect in effects:
        if effect.get("variance_reduction") is not None:
            saver = SAVERS.get(effect["method"], "the adjustment")
            shares.setdefault(saver, []).append(effect["variance_reduction"])
    found = []
    for saver, saved in shares.items():
        ends = dict.fromkeys(percent(max(0.0, share), 0) for share in (min(saved), max(saved)))
        shown = " to ".join(ends)
        found.append(f"{saver} took {'nothing' if shown == '0%' else shown} off the variance")
    return found


def _window(window: object) -> str:
    if window is None or window == "":
        return "as given in the data"
    return window if isinstance(window, str) else days(cast("list[float]", window))


def _segment(effect: Row) -> str:
    segment = effect["segment"]
    return f"{segment['column']}: {segment['value']}" if segment else ""
