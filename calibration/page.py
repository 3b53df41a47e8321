"""The page of results: one table per family, population and quantity, and where not to use what."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from calibration.answers import ALPHA, LEVEL, POWER
from calibration.cell import Cell, Observed, Quantity
from calibration.reasons import REASONS

TITLES: dict[Quantity, str] = {
    "type_i": "Rejections where there is no effect",
    "coverage": "Intervals of the difference that hold the truth",
    "relative_coverage": "Intervals of the relative effect that hold the truth",
    "power": "Rejections at the effect that normal theory finds with power 0.8",
    "promised_power": "Rejections at the size that `sample_size` asked for",
}
WORDS: dict[Quantity, str] = {
    "type_i": "false alarms",
    "coverage": "coverage",
    "relative_coverage": "coverage of the relative effect",
    "power": "power",
    "promised_power": "power",
}
USUAL: dict[Quantity, float] = {
    "type_i": ALPHA,
    "coverage": LEVEL,
    "relative_coverage": LEVEL,
    "power": POWER,
    "promised_power": POWER,
}
"""What a row promises unless it says otherwise."""
RUNS = 10_000
"""Draws of a cell, unless its row says otherwise."""
SLACK = 0.01
"""A rate further than this on the wrong side of its promise is not kept."""
SMALL_MISS = 0.02
"""Below it a broken promise is one to know of, above it a reason to take another method."""

Results = Mapping[str, Sequence[Observed]]
Row = tuple[str, str, str]  # situation, note, method


def page(cells: Sequence[Cell], results: Results, *, seed: int) -> str:
    """Return the whole page as Markdown."""
    parts = [_HEAD.format(seed=seed, slack=f"{SLACK} in absolute terms")]
    parts.append(_defaults(cells, results))
    families = {cell.family: None for cell in cells}
    for family in families:
        of_family = [cell for cell in cells if cell.family == family]
        parts.append(f"## {family[0].upper()}{family[1:]}\n")
        parts.append(_warnings(of_family, results))
        if family in REASONS:
            parts.append(f"{REASONS[family]}\n")
        for quantity, title in TITLES.items():
            table = _table(of_family, results, quantity)
            if table:
                parts.append(f"### {title}: {family}\n\n{table}\n")
    return "\n".join(parts)


_HEAD = """# Calibration

What the tests and intervals promise, and what they kept when it was tried. Written by `make
calibration` from `calibration/results.json`; `make calibration-check` draws a part of it again with
other numbers and fails where it differs by more than 4 standard errors.

Tests are at 5%, intervals at 95%, both two-sided. Every cell was drawn 10,000 times unless it says
otherwise (seed {seed}); one standard error is then 0.0022 at 5% and 95%, and 0.004 at a power of
80%. Tests marked *enumerated* have no error: all tables of the design were added up. Coverage is
that at the effect of the last table, or at no effect where the population has none so large.
Columns are units in both arms together. **Bold**: on the wrong side of the promise, by more than
4 standard errors and more than {slack}. A dash: fewer than 1,000 of the draws gave a
number at all (no successes, no variation).
"""


DEFAULTS = {
    "means": "welch",
    "proportions": "as experiments judge",
    "ratios": "delta",
    "covariates": "CUPED, one covariate",
}
"""What experiments use unless they are told otherwise, by family."""


def _defaults(cells: Sequence[Cell], results: Results) -> str:
    """Return from how many units on the default methods keep all their promises."""
    lines = [
        "## In short\n",
        "From how many units on what experiments use keeps all its promises, in the worst of the",
        "situations below:\n",
        "| population | method | 50/50 | 90/10 |",
        "| --- | --- | ---: | ---: |",
    ]
    places = {(cell.family, cell.situation): None for cell in cells if cell.family in DEFAULTS}
    for family, situation in places:
        method = DEFAULTS[family]
        of_place = [
            (cell, [one for one in results.get(cell.key, ()) if one.method == method])
            for cell in cells
            if (cell.family, cell.situation) == (family, situation)
        ]
        if any(found for _, found in of_place):
            kept = (_kept_from(of_place, split) for split in ("50/50", "90/10"))
            lines.append(f"| {situation} | {method} | {' | '.join(kept)} |")
    return "\n".join(lines) + "\n"


def _kept_from(cells: Sequence[tuple[Cell, Sequence[Observed]]], split: str) -> str:
    """Return the smallest size from which on nothing is broken."""
    of_split = [(sum(cell.sizes), found) for cell, found in cells if cell.note.startswith(split)]
    if not of_split:
        return "–"
    fails = [size for size, found in of_split if any(map(broken, found))]
    kept = [size for size, _ in of_split if size > max(fails, default=0)]
    return f"{min(kept):,}" if kept else f"more than {max(fails):,}"


def broken(one: Observed) -> bool:
    """Return whether a promise was not kept: too many false alarms, or too little coverage."""
    if one.runs < 1000 and one.runs + one.missing >= 1000:
        return False
    noise = 4.0 * one.error
    if one.quantity == "type_i":
        return one.rate - one.promised > max(SLACK, noise)
    if one.quantity == "power":
        return False  # what a test cannot find is no promise of the test
    return one.promised - one.rate > max(SLACK, noise)


def _table(cells: Sequence[Cell], results: Results, quantity: Quantity) -> str:
    """Return rows of situation and method, with a column per size."""
    rates: dict[Row, dict[int, Observed]] = {}
    for cell in cells:
        for one in results.get(cell.key, ()):
            if one.quantity == quantity:
                row = (cell.situation, _conditions(cell.note), _method(one))
                rates.setdefault(row, {})[sum(cell.sizes)] = one
    sizes = sorted({size for by_size in rates.values() for size in by_size})
    if not sizes:
        return ""
    lines = [
        "| population | | method | " + " | ".join(f"{size:,}" for size in sizes) + " |",
        "| --- | --- | --- | " + " | ".join("---:" for _ in sizes) + " |",
    ]
    for (situation, note, method), by_size in rates.items():
        shown = (_rate(by_size.get(size)) for size in sizes)
        label = f"{method}{_draws(by_size.values())}"
        lines.append(f"| {situation} | {note} | {label} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _method(one: Observed) -> str:
    """Return the method, with its promise where it is not the usual one."""
    if one.promised == USUAL[one.quantity]:
        return one.method
    return f"{one.method} (promises {_per_cent(one.promised)})"


def _draws(row: Iterable[Observed]) -> str:
    """Return how often a row was drawn where that is less than usual, and its largest error."""
    cells = [one for one in row if one.runs]
    draws = [one.runs + one.missing for one in cells]
    if not draws or min(draws) >= RUNS:
        return ""
    number = f"{min(draws):,}" + (f" to {max(draws):,}" if max(draws) > min(draws) else "")
    return f" ({number} draws, error {max(one.error for one in cells):.3f})"


def _per_cent(rate: float) -> str:
    return f"{rate:.1%}".replace(".0%", "%")


def _rate(one: Observed | None) -> str:
    if one is None:
        return ""
    if one.runs < 1000 and one.runs + one.missing >= 1000:
        return "–"
    text = f"{one.rate:.3f}"
    return f"**{text}**" if broken(one) else text


def _conditions(note: str) -> str:
    """Return the note without the part that the table's title says."""
    parts = [part for part in note.split(", ") if part not in ("effect", "no effect")]
    return ", ".join(parts)


def _warnings(cells: Sequence[Cell], results: Results) -> str:
    """Return one sentence per method and population where promises were not kept."""
    found: dict[tuple[str, str], dict[str, list[tuple[int, Observed]]]] = {}
    for cell in cells:
        for one in results.get(cell.key, ()):
            if broken(one):
                name = one.method.removesuffix(", enumerated").removesuffix(", mean")
                cases = found.setdefault((name, cell.situation), {})
                cases.setdefault(_conditions(cell.note), []).append((sum(cell.sizes), one))
    if not found:
        return "Every promise was kept.\n"
    return "".join(f"- {_sentence(*key, cases)}\n" for key, cases in sorted(found.items()))


def _sentence(
    method: str, situation: str, cases: Mapping[str, Sequence[tuple[int, Observed]]]
) -> str:
    """Return where one method is not to be used for one population."""
    worst = {
        conditions: max((one for _, one in found), key=_miss) for conditions, found in cases.items()
    }
    planned = all(one.quantity == "promised_power" for one in worst.values())
    if planned:
        start = f"Plan more units than `{method}` asks for, for {situation}"
    elif max(map(_miss, worst.values())) < SMALL_MISS:
        start = f"Take care with `{method}` for {situation}"
    else:
        start = f"Do not use `{method}` for {situation}"
    parts = [
        f"{conditions}, up to {max(size for size, _ in cases[conditions]):,} units "
        f"({WORDS[one.quantity]} {one.rate:.1%} for {_per_cent(one.promised)})"
        for conditions, one in sorted(worst.items(), key=lambda case: -_miss(case[1]))
    ]
    return f"{start}: {'; '.join(parts)}."


def _miss(one: Observed) -> float:
    return abs(one.rate - one.promised)


def standard_errors(one: Observed, other: Observed) -> float:
    """Return how many standard errors lie between two observations of the same rate."""
    runs = one.runs + other.runs
    if not one.runs or not other.runs:
        return 0.0
    pooled = (one.count + other.count) / runs
    # at 0 or 1 the estimated error is 0: half a success more or less is the least there is
    pooled = min(max(pooled, 0.5 / runs), 1.0 - 0.5 / runs)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / one.runs + 1.0 / other.runs))
    return abs(one.rate - other.rate) / error
