"""An answer about power for readers: as a sentence, and as a small table in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abtest.show.escape import html, markdown
from abtest.show.fragment import Fragment
from abtest.show.power_words import WARNINGS, warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from abtest.stats.sizing.answers import PowerResult

_MOST_ARMS = 12
"""Arms whose units are shown one by one."""


def sentence(result: PowerResult) -> str:
    """Return what was found, in one sentence, and what a reader should know about it in another."""
    effect, found = _effect(result), f"{result.power:.1%}"
    units = f"{_units(result.units)} units ({_arms(result.units_by_arm)})"
    if result.solved == "power":
        text = f"Power {found}: {units}, true effect {effect}"
    else:
        text = f"{units} {_shown(result)} {effect} with power {found}"
    return f"{text}; {_test(result)} ({result.formula}).{warned(result.warnings)}"


def fragment(result: PowerResult) -> Fragment:
    """Return the answer as HTML, Markdown and text."""
    text = sentence(result)
    rows = _rows(result)
    cells = "".join(
        f'<tr><th scope="row">{html(name)}</th><td>{html(value)}</td></tr>' for name, value in rows
    )
    page = f'<div class="abtest"><p>{html(text)}</p><table>{cells}</table></div>'
    table = "\n".join(
        ["| | |", "| --- | --- |", *(f"| {name} | {markdown(value)} |" for name, value in rows)]
    )
    return Fragment(page, text, f"{markdown(text)}\n\n{table}")


def _rows(result: PowerResult) -> list[tuple[str, str]]:
    rows = [
        ("units", f"{_units(result.units)} over all arms"),
        ("by arm", _arms(result.units_by_arm)),
        ("power", f"{result.power:.4%}"),
        ("power wanted of this test", f"{result.target_power:.4%}"),
        ("effect", f"{result.absolute_effect:+.6g}"),
    ]
    if result.clusters_by_arm is not None:
        rows.insert(2, ("clusters by arm", _arms(result.clusters_by_arm)))
    if result.relative_effect is not None:
        rows.append(("relative effect", f"{result.relative_effect:+.3%}"))
    for name, number in result.details.items():
        rows.append((f"expected {name}", f"{number:,.1f}"))
    if result.margin is not None:
        rows.append(("margin", f"{result.margin}, {'relative' if result.relative else 'absolute'}"))
    rows.append(("test", _test(result)))
    if result.df is not None:
        rows.append(("degrees of freedom", f"{result.df:.6g}"))
    rows.append(("formula", result.formula_text))
    if result.warnings:
        rows.append(("warnings", "; ".join(WARNINGS[code] for code in result.warnings)))
    return rows


def _shown(result: PowerResult) -> str:
    if result.test == "superiority":
        return "find an effect of"
    aim = "no loss beyond" if result.test == "non_inferiority" else "equivalence within"
    return f"show {aim} {_margin(result)} at a true effect of"


def _margin(result: PowerResult) -> str:
    form = "{:.4g}" if not result.relative else "{:.4g} of the baseline"
    margin = result.margin
    if isinstance(margin, tuple):
        return f"-{form.format(margin[0])} to +{form.format(margin[1])}"
    return form.format(margin)


def _effect(result: PowerResult) -> str:
    if result.relative and result.relative_effect is not None:
        return f"{result.relative_effect:+.3g} of the baseline"
    return f"{result.absolute_effect:+.4g}"


def _test(result: PowerResult) -> str:
    sides = "two-sided" if result.sides == 2 else "one-sided"
    twice = "twice " if result.test == "equivalence" else ""
    return f"{twice}{sides} level {result.level:.6g}"


def _arms(units: Sequence[float]) -> str:
    """Return units by arm; of many arms those of control and the range of the others."""
    if len(units) <= _MOST_ARMS:
        return " + ".join(map(_units, units))
    low, high = min(units[1:]), max(units[1:])
    each = _units(low) if low == high else f"{_units(low)} to {_units(high)}"
    return f"{_units(units[0])} + {len(units) - 1:,} arms of {each}"


def _units(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"
