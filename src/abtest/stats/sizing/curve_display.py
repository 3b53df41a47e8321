"""A power curve for readers: as a sentence, and as a table in a notebook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

from abtest.show.power_words import WARNINGS
from abtest.stats.listing import listing
from abtest.stats.sizing.answers import PowerWarning
from abtest.stats.sizing.refusals import reason

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment
    from abtest.stats.sizing.curve import PowerCurve

MOST_ROWS = 50
"""Rows that a notebook shows."""
_SOLVED = {"power": "Power", "sample_size": "Sample size", "effect": "Detectable effect"}


def sentence(curve: PowerCurve) -> str:
    """Return what it holds, in one sentence, and what a reader should know in others."""
    good = int((curve.status == "ok").sum())
    text = (
        f"{_SOLVED[curve.solved]} for {len(curve)} rows over "
        f"{' and '.join(curve.varied) or 'one'}, {good} with an answer ({curve.formula})."
    )
    notes = []
    for code in get_args(PowerWarning):
        count = int(getattr(curve, code).sum())
        if count:
            notes.append(f"in {count} of {len(curve)} rows {WARNINGS[code]}")
    return f"{text} Note: {'; '.join(notes)}." if notes else text


def fragment(curve: PowerCurve) -> Fragment:
    """Return the curve as HTML, Markdown and text; a long one by its first rows."""
    text = sentence(curve)
    if len(curve) > MOST_ROWS:
        text = f"{text} The first {MOST_ROWS} rows are shown."
    others = [name for name in curve.varied if name not in {"effect", "units"}]
    heading = ["row", *others, "effect", "units", "power", "to know"]
    rows = [
        [
            str(row + 1),
            *(f"{curve.varied[name][row]:.6g}" for name in others),
            _cell(curve.effect[row], "{:+.4g}"),
            _cell(curve.units[row], "{:,.0f}"),
            _cell(curve.power[row], "{:.1%}"),
            _known(curve, row),
        ]
        for row in range(min(len(curve), MOST_ROWS))
    ]
    return listing(text, heading, rows)


def _cell(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "–"


def _known(curve: PowerCurve, row: int) -> str:
    """Return why a row has no answer, or its warnings, in words."""
    status = str(curve.status[row])
    return (
        reason(status)
        if status != "ok"
        else "; ".join(WARNINGS[code] for code in curve.warnings(row))
    )
