"""Can the numbers be believed: checks, arms, what was left out, the lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from abtest.show import escape
from abtest.show.check_words import check_sentence, shares
from abtest.show.effect_words import Row, label_of, labels_of
from abtest.show.fragment import Fragment, folded, join, section
from abtest.show.numbers import MISSING, count, moment, percent
from abtest.show.tables import Cell, Column, Group, Table
from abtest.show.words import ARMS, EXCLUSIONS, UNKNOWN, check_name, check_word, readable

ORDER = {"fail": 0, "warn": 1, "not_computed": 2, "pass": 3}
"""What needs attention comes first."""


def trust(document: Row, notes: Iterable[object] = ()) -> Fragment:
    """Return the trust box: arms seen and planned, checks, exclusions, departures from the plan."""
    labels = labels_of(notes)
    return section(
        "Can the numbers be trusted?",
        _extent(document),
        checks_table(document, labels),
        arms_table(document),
        exclusions_table(document, labels),
        days_table(document, labels),
        deviations_table(document),
        name="trust",
    )


def checks_table(document: Row, labels: dict[str, str]) -> Fragment:
    """Return every check with its state and what it found; those that passed are folded."""
    ordered = sorted(document["checks"], key=lambda check: ORDER.get(check["status"], 2))
    passed = [check for check in ordered if check["status"] == "pass"]
    others = [check for check in ordered if check["status"] != "pass"]
    number = len(passed)
    summary = f"{number} check{' has' if number == 1 else 's have'} passed"
    return join(
        [
            _checks(_summary(document), others, labels),
            folded(summary, _checks("Checks that passed", passed, labels)),
        ]
    )


def _checks(caption: str, checks: Sequence[Row], labels: dict[str, str]) -> Fragment:
    rows = [
        [
            Cell(check_name(check["check"])),
            Cell.of(check_word(check["status"])),
            Cell(check_sentence(check, labels)),
        ]
        for check in checks
    ]
    columns = [Column("Check"), Column("Result"), Column("What was found")]
    return Table(caption, columns, [Group(rows)]).fragment()


def arms_table(document: Row) -> Fragment:
    """Return the units of every arm, with the share seen and the share planned."""
    variants: Sequence[Row] = document["variants"]
    total = sum(variant["units"] for variant in variants)
    planned = _planned(document)
    rows = [
        [
            Cell(variant["name"], variant["role"]),
            Cell(count(variant["units"])),
            Cell(percent(variant["units"] / total, 2) if total else MISSING),
            Cell(percent(planned.get(variant["name"]), 2)),
            Cell.of(ARMS.get(variant["outcome"], UNKNOWN)) if variant["outcome"] else Cell(MISSING),
        ]
        for variant in variants
    ]
    columns = [
        Column("Arm"),
        Column("Units", numeric=True),
        Column("Share seen", numeric=True),
        Column("Share planned", numeric=True),
        Column("Outcome"),
    ]
    return Table("Arms, by the variant a unit met first", columns, [Group(rows)]).fragment()


def exclusions_table(document: Row, labels: dict[str, str]) -> Fragment:
    """Return how many units each metric leaves out in each arm, and why.

    Metrics that leave out the same units share a row.
    """
    names = [variant["name"] for variant in document["variants"]]
    merged: dict[tuple[str, tuple[float, ...]], list[str]] = {}
    for (metric, cause), counts in _excluded(document).items():
        key = (cause, tuple(counts.get(name, 0) for name in names))
        merged.setdefault(key, []).append(label_of(metric, labels))
    rows = [
        [
            Cell(EXCLUSIONS.get(cause) or readable(cause)),
            *(Cell(count(left_out)) for left_out in by_arm),
            Cell("; ".join(metrics)),
        ]
        for (cause, by_arm), metrics in merged.items()
    ]
    columns = [
        Column("Reason"),
        *(Column(name, numeric=True) for name in names),
        Column("Left out of"),
    ]
    return Table("Units left out, by arm", columns, [Group(rows)]).fragment()


def deviations_table(document: Row) -> Fragment:
    """Return what differs from the locked plan."""
    rows = [
        [
            Cell(deviation["key"]),
            Cell(_shown(deviation["locked"])),
            Cell(_shown(deviation["actual"])),
            Cell("yes" if deviation["decides"] else "no"),
        ]
        for deviation in document["deviations"]
    ]
    columns = [Column("Key"), Column("Locked"), Column("Now"), Column("Touches the decision")]
    return Table("Differences from the locked plan", columns, [Group(rows)]).fragment()


def _extent(document: Row) -> Fragment:
    """Return up to when data count and whether that is all of them."""
    until = document.get("as_of")
    extent = (
        f"Data count up to {moment(until)}. " if until else "All data count: they have no times. "
    )
    extent += (
        "Every deciding window has closed."
        if document["complete"]
        else "The last deciding window has not closed: the experiment is not complete."
    )
    return Fragment(f"<p>{escape.bdi(extent)}</p>", escape.line(extent), escape.markdown(extent))


def _summary(document: Row) -> str:
    states = [check["status"] for check in document["checks"]]
    failed, warned = states.count("fail"), states.count("warn")
    if failed:
        return f"{failed} of {len(states)} checks failed: do not trust the effects"
    if warned:
        return f"No check failed; {warned} of {len(states)} with a warning"
    return f"All {len(states)} checks passed" if states else "No checks"


def _planned(document: Row) -> dict[str, float]:
    values: Row = next(
        (c["values"] for c in document["checks"] if c["check"] == "sample_ratio"), {}
    )
    return shares(values.get("expected") or values.get("planned"))


def _excluded(document: Row) -> dict[tuple[str, str], dict[str, float]]:
    """Return (metric, cause) -> arm -> units; several treatments complete one another."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for effect in document["effects"]:
        if effect["segment"] is not None:
            continue
        for cause, counts in effect["excluded"].items():
            if isinstance(counts, Mapping) and any(counts.values()):
                found.setdefault((effect["metric"], cause), {}).update(counts)
    return found


def days_table(document: Row, labels: dict[str, str]) -> Fragment:
    """Return the days that totals leave out of a metric, in every arm."""
    left_out: dict[tuple[str, ...], list[str]] = {}
    for effect in document["effects"]:
        days = tuple(effect["excluded"].get("skipped_days") or ())
        label = label_of(effect["metric"], labels)
        if days and label not in left_out.setdefault(days, []):
            left_out[days].append(label)
    rows = [
        [Cell("; ".join(metrics)), Cell(count(len(days))), Cell(", ".join(map(moment, days)))]
        for days, metrics in left_out.items()
    ]
    columns = [Column("Metric"), Column("Days", numeric=True), Column("Which")]
    return Table(
        "Days without an outcome, left out of every arm", columns, [Group(rows)]
    ).fragment()


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
