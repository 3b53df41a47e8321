"""What the columns of a table of units probably are, by their names and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from abtest.data import ColumnPreview

_VARIANT = (
    "variant", "variation", "version", "group", "arm", "treatment", "test_group",
    "experiment_group", "ab_group", "bucket", "condition", "segment", "cohort", "campaign",
    "experiment", "test",
)  # fmt: skip
_CONTROL = re.compile(r"(control|ctrl|baseline|base|off|none|old|original|default|a|0|false)\b|no ")
_UNIT = re.compile(r"(^|_|\b)(id|uuid|guid)$|id$|^(user|client|customer|player|device)s?$")
_OUTCOME = re.compile(
    r"retention|retain|conver|purchas|order|activ|subscri|sign_?up|regist|visit|click|revenue"
    r"|spend|success|complet|confirm|churn|return"
)
_BAD = re.compile(
    r"churn|unsub|mute|error|bounce|complain|cancel|refund|latency|crash|delet|uninstall|cost"
)
_FEW = 20
_MANY = 1000


@dataclass(frozen=True)
class Kept:
    """What the columns beside unit and variant are good for."""

    metrics: list[ColumnPreview]
    segments: list[str]
    times: list[str]
    unused: list[tuple[str, str]]

    @classmethod
    def of(cls, columns: Sequence[ColumnPreview]) -> Kept:
        """Return the columns sorted by what they could be."""
        kept = cls([], [], [], [])
        for column in columns:
            if column.distinct < 2:
                kept.unused.append((column.name, "one value only"))
            elif column.kind in ("boolean", "number") and not _looks_like_id(column):
                kept.metrics.append(column)
            elif column.kind == "time":
                kept.times.append(column.name)
            elif column.kind == "text" and column.distinct <= _FEW:
                kept.segments.append(column.name)
            else:
                kept.unused.append((column.name, f"{column.kind} with many values"))
        return kept


def guess_variant(columns: Sequence[ColumnPreview]) -> ColumnPreview | None:
    """Return the column whose name and few values look most like a variant, or None."""
    able = [column for column in columns if 2 <= column.distinct <= len(column.examples)]
    named = [column for column in able if _variant_rank(column.name) is not None]
    if named:
        return min(named, key=lambda column: _variant_rank(column.name) or 0)
    texts = [column for column in able if column.kind == "text" and column.distinct == 2]
    return texts[0] if len(texts) == 1 else None


def _variant_rank(name: str) -> int | None:
    """Return how good a name for a variant this is, 0 the best; None for no such name."""
    words = re.split(r"[^a-z]+", name.lower())
    plain = "_".join(word for word in words if word)
    if plain in _VARIANT:
        return _VARIANT.index(plain)
    inside = [_VARIANT.index(word) for word in words if word in _VARIANT]
    return len(_VARIANT) + min(inside) if inside else None


def control_first(values: Sequence[str]) -> list[str]:
    """Return the values with the one that looks most like a control first.

    Examples
    --------
    >>> control_first(["Mens E-Mail", "No E-Mail"])
    ['No E-Mail', 'Mens E-Mail']
    >>> control_first(["gate_30", "gate_40"])
    ['gate_30', 'gate_40']
    """
    return sorted(values, key=lambda value: _CONTROL.match(value.strip().lower()) is None)


def guess_unit(columns: Sequence[ColumnPreview], rows: int) -> ColumnPreview | None:
    """Return the first column that is named like an id and has a value of its own per row.

    Distinct values are counted up to a limit: beyond it, many have to do.
    """
    for column in columns:
        unique = column.distinct == rows if rows <= _MANY else column.distinct > _MANY
        if unique and column.nulls == 0 and _looks_like_id(column):
            return column
    return None


def _looks_like_id(column: ColumnPreview) -> bool:
    few = column.kind == "boolean" or column.distinct <= 2
    return not few and _UNIT.search(column.name.strip().lower()) is not None


def metric_kind(column: ColumnPreview) -> Literal["proportion", "mean"]:
    """Return the kind of metric that the column's values suggest."""
    if column.kind == "boolean":
        return "proportion"
    return "proportion" if {_number(value) for value in column.examples} <= {0, 1} else "mean"


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def primary_of(metrics: Sequence[ColumnPreview]) -> ColumnPreview:
    """Return the metric that most likely decides: a share before a mean, the last before others.

    Names of outcomes, such as retention or conversion, come before all else.
    """

    def rank(entry: tuple[int, ColumnPreview]) -> tuple[bool, bool, int]:
        position, column = entry
        named = _OUTCOME.search(column.name.lower()) is not None
        return named, metric_kind(column) == "proportion", position

    return max(enumerate(metrics), key=rank)[1]


def direction_of(name: str) -> Literal["increase", "decrease"]:
    """Return which way is probably good for an outcome of this name."""
    return "decrease" if _BAD.search(name.lower()) else "increase"
