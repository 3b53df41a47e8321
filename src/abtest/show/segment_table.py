"""Effects within segments: they are looked at, they never decide."""

from __future__ import annotations

from collections.abc import Iterable

from abtest.show import effect_words as say
from abtest.show.effect_table import levels_sentence, note, number_cells, standing
from abtest.show.effect_words import Row
from abtest.show.fragment import Fragment, section
from abtest.show.tables import Cell, Column, Group, Table


def segments(document: Row, notes: Iterable[object]) -> Fragment:
    """Return one table per segment column; empty when no segments were asked for."""
    labels = say.labels_of(notes)
    rows = [effect for effect in document["effects"] if effect["segment"] is not None]
    if not rows:
        return Fragment("", "No segments were asked for.", "No segments were asked for.")
    several = len({effect["variant"] for effect in rows}) > 1
    columns = dict.fromkeys(effect["segment"]["column"] for effect in rows)
    tables = [
        _table(column, [row for row in rows if row["segment"]["column"] == column], labels, several)
        for column in columns
    ]
    caution = note(
        "·",
        "Segments never decide.",
        "With many of them some differ by chance; intervals here are not widened for that.",
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
