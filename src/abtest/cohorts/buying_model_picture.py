"""Pictures of a model of buying: it beside what was bought, and who it takes for alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.buying_forecast import LOOSE
from abtest.show.bar_plot import Bars, plain_bars
from abtest.show.estimate_words import level_text
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.line_plot import NamedLine, line_plot
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words

if TYPE_CHECKING:
    from abtest.cohorts.buying_model import BuyingModel
    from abtest.show.drawing import Chart

_ROWS, _COLUMNS = 8, 12


def tracking(found: BuyingModel) -> Chart:
    """Return purchase days so far, as they were and as foretold."""
    rows = found.tracking
    inside = np.flatnonzero(rows["holdout"].to_numpy(dtype=bool))
    mark = (int(inside[0]), "hold-out") if inside.size else None
    words = _words(
        found,
        _held_out(found),
        "Purchase days after the first so far, all units",
        f"Periods of {found.asked.period:g} days",
        _at_end(found),
    )
    lines = [
        NamedLine("Bought", _so_far(rows["actual"]), rows["actual"].to_numpy(dtype=np.float64)),
        NamedLine("Model", _so_far(rows["predicted"]), rows["predicted"].to_numpy(np.float64)),
    ]
    return line_plot(words, tuple(str(k) for k in rows["period"]), lines, mark=mark)


def frequency(found: BuyingModel) -> Chart:
    """Return how many units bought how often, as they were and as the model has them."""
    rows = found.frequency
    total = max(float(rows["actual"].sum()), 1.0)
    shares = [rows[name].to_numpy(dtype=np.float64) / total for name in ("actual", "predicted")]
    said = (
        f"{percent(shares[0][0], 1)} of {count(total)} units did not buy again before "
        f"{found.calibration_end}; the model has {percent(shares[1][0], 1)}."
    )
    shown = "; ".join(
        f"{name}: {percent(one, 1)}, model {percent(two, 1)}"
        for name, one, two in zip(rows["frequency"], *shares, strict=True)
    )
    words = _words(
        found,
        said,
        "Share of units",
        "Purchase days after the first, before the hold-out",
        f"By purchase days after the first: {shown}.",
    )
    bars = [
        Bars("Bought", shares[0], "neutral", hatch="///", fill=0.35),
        Bars("Model", shares[1], "info"),
    ]
    return plain_bars(words, tuple(rows["frequency"]), bars, percent=True)


def alive(found: BuyingModel) -> Chart:
    """Return the probability of still buying, by how often a unit bought and how long ago."""
    most = max(found.age, 1e-9)
    silent = most * np.arange(_COLUMNS) / _COLUMNS
    rows, shown = [], []
    for times in range(1, _ROWS + 1):
        many = np.full(_COLUMNS, float(times))
        chances = found.purchases.probability_alive(many, most - silent, np.full(_COLUMNS, most))
        texts = tuple(percent(chance, 0) for chance in chances)
        rows.append(HeatRow(f"{times}", (), tuple(map(float, chances)), texts))
        shown.append(f"{times}: {', '.join(texts)}")
    half = rows[1].texts[_COLUMNS // 2]
    said = (
        f"A unit with 2 purchase days after the first, the last of them "
        f"{number(silent[_COLUMNS // 2], 0)} periods ago, still buys with probability {half}."
    )
    words = _words(
        found,
        said,
        f"Probability of still buying, by periods of {found.asked.period:g} days since the last "
        f"purchase; all first bought {number(most, 0)} periods ago",
        "",
        f"Rows are purchase days after the first, columns periods since the last, from 0 in steps "
        f"of {number(silent[1], 1)}. {'; '.join(shown)}.",
    )
    steps = 0 if silent[1] >= 2.0 else 1
    return heatmap(words, rows, [number(k, steps) for k in silent], corner="Repeats")


def _words(found: BuyingModel, said: str, axis: str, below: str, alt: str) -> Words:
    sentences = (said,) if found.purchases.covariance is not None else (said, LOOSE)
    return Words(
        heading=found.title,
        said=sentences,
        axis=axis,
        below=below,
        caption=f"{found.title}. {' '.join(sentences)}",
        alt=f"{found.title}. {' '.join(sentences)} {alt}",
    )


def _held_out(found: BuyingModel) -> str:
    row = found.table.iloc[-1]
    return (
        f"From {found.calibration_end} on {count(row['units'])} units bought on "
        f"{number(row['actual'], 3)} days each ({level_text(found.confidence_level)} interval "
        f"{number(row['lower'], 3)} to {number(row['upper'], 3)}); the model foretold "
        f"{number(row['predicted'], 3)}."
    )


def _at_end(found: BuyingModel) -> str:
    if found.tracking.empty:
        return "No period is over."
    last = found.tracking.iloc[-1]
    return (
        f"After {count(last['period'])} periods: {count(last['actual'])} purchase days after the "
        f"first, model {count(last['predicted'])}."
    )


def _so_far(column: object) -> str:
    values = np.asarray(column, dtype=np.float64)
    return f"{count(values[-1])} so far" if values.size else ""
