"""Effects within segments: they are looked at, they never decide."""

from __future__ import annotations

from collections.abc import Iterable

from abtest.show import effect_words as say
from abtest.show.effect_table import levels_sentence, note, number_cells, standing
from abtest.show.effect_words import Row
from abtest.show.fragment import Fragment, section
from abtest.show.numbers import p_value, percent
from abtest.show.tables import Cell, Column, Group, Table


def segments(document: Row, notes: Iterable[object]) -> Fragment:
    """Return one table per segment column; empty when no segments were asked for."""
    labels = say.labels_of(notes)
    rows = [effect for effect in document["effects"] if effect["segment"] is not None]
    if not rows:
        return Fragment("", "No segments were asked for.", "No segments were asked for.")
    several = len({effect["variant"] for effect in rows}) > 1
    columns = dict.fromkeys(effect["segment"]["column"] for effect in rows)
    differences = document.get("segment_differences", ())
    tables = []
    for column in columns:
        own = [row for row in rows if row["segment"]["column"] == column]
        tables.append(_table(column, own, labels, several))
        tested = [row for row in differences if row["column"] == column]
        if tested:
            tables.append(_differences(column, tested, labels, several, document))
    caution = note(
        "·",
        "Segments never decide.",
        "With many of them some differ by chance; intervals here are not widened for that. "
        "Whether an effect differs between segments is a test of its own, below each table; "
        "I\N{SUPERSCRIPT TWO} is the part of the variation between them that is not chance.",
        "neutral",
    )
    return section("Segments", standing(document), caution, *tables, name="segments")


def _table(column: str, rows: list[Row], labels: dict[str, str], several: bool) -> Fragment:
    metrics = dict.fromkeys(effect["metric"] for effect in rows)
    groups = [
        Group(
            [
                [
                    Cell(effect["segment"]["value"] or "(none)"),
                    *([Cell(effect["variant"])] if several else []),
                    *number_cells(effect),
                ]
                for effect in rows
                if effect["metric"] == metric
            ],
            say.label_of(metric, labels),
        )
        for metric in metrics
    ]
    head = [
        Column(column),
        *([Column("Arm")] if several else []),
        Column("Control", numeric=True),
        Column("Treatment", numeric=True),
        Column("Difference", numeric=True),
        Column("Relative", numeric=True),
        Column("p", numeric=True),
    ]
    return Table(f"By {column}; {levels_sentence(rows)}", head, groups).fragment()


def _differences(
    column: str, tests: list[Row], labels: dict[str, str], several: bool, document: Row
) -> Fragment:
    """Return whether each metric's effect differs between the values of a column."""
    alphas = [row["alpha"] for row in document["effects"] if row["segment"] is not None]
    alpha = alphas[0] if alphas and alphas[0] is not None else 0.05
    rows = [
        [
            Cell(say.label_of(test["metric"], labels)),
            *([Cell(test["variant"])] if several else []),
            Cell(_reading(test, alpha)),
            Cell(p_value(test["p_adjusted"])),
            Cell(p_value(test["p_value"])),
            Cell(percent(test["i_squared"]["estimate"], 0)),
        ]
        for test in tests
    ]
    head = [
        Column("Metric"),
        *([Column("Arm")] if several else []),
        Column("Reading"),
        Column("p, corrected", numeric=True),
        Column("p", numeric=True),
        Column("I\N{SUPERSCRIPT TWO}", numeric=True),
    ]
    return Table(f"Does the effect differ by {column}?", head, [Group(rows)]).fragment()


def _reading(test: Row, alpha: float) -> str:
    if test["status"] != "ok":
        return "cannot be tested"
    adjusted = test["p_adjusted"]
    return "it differs" if adjusted is not None and adjusted < alpha else "not shown to differ"
