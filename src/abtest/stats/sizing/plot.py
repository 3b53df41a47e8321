"""The drawing of a power curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.show.palette import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart
    from abtest.stats.moments import Floats
    from abtest.stats.sizing.curve import PowerCurve

WIDTH, HEIGHT = 6.4, 3.8
"""Inches."""
_NAMES = {"power": "Power", "sample_size": "Units over all arms", "effect": "Detectable effect"}
_FIELDS = {"power": "power", "sample_size": "units", "effect": "effect"}


def curve_figure(curve: PowerCurve) -> Chart:
    """Return the curve as a figure: what was asked for over the first thing that varies.

    Rows without an answer are left out, and the alternative text says how many.
    """
    from matplotlib.ticker import StrMethodFormatter

    from abtest.show.drawing import Chart, house_style

    across = next(iter(curve.varied))
    x, y = curve.varied[across], np.asarray(getattr(curve, _FIELDS[curve.solved]))
    kept = np.flatnonzero(curve.status == "ok")
    kept = kept[np.argsort(x[kept], kind="stable")]
    with house_style():
        chart = Chart(
            WIDTH, HEIGHT, alt=_alt(curve, across, x[kept], y[kept]), caption=_caption(curve)
        )
        axes = chart.add_axes((0.16, 0.16, 0.8, 0.78))
        _frame(axes, _label(curve, across), _axis(curve))
        if curve.solved == "sample_size" and kept.size and y[kept].max() > 30 * y[kept].min():
            axes.set_yscale("log")
        for axis, name in ((axes.xaxis, across), (axes.yaxis, _FIELDS[curve.solved])):
            if name == "units":  # whole numbers in full, not as a multiple of a power of ten
                axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.plot(
            x[kept],
            y[kept],
            color=PALETTE["info"].light,
            linewidth=2,
            marker="o" if kept.size <= 30 else "",
            markersize=4,
        )
        if curve.solved == "power":
            axes.set_ylim(0.0, 1.02)
            wanted = np.unique(curve.target_power)
            if wanted.size == 1:
                axes.axhline(wanted[0], color=PALETTE["muted"].light, linewidth=1, linestyle="--")
    return chart


def _frame(axes: Axes, x_name: str, y_name: str) -> None:
    axes.patch.set_visible(False)
    for side in ("right", "top"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALETTE["line"].light)
    muted = PALETTE["muted"].light
    axes.tick_params(length=3, color=PALETTE["line"].light, labelsize=8, labelcolor=muted)
    axes.grid(color=PALETTE["line"].light, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_name, fontsize=9, color=muted)
    axes.set_ylabel(y_name, fontsize=9, color=muted)


def _label(curve: PowerCurve, name: str) -> str:
    if name == "units":
        return "Units over all arms"
    if name == "effect":
        return "Effect, share of the baseline" if curve.relative else "Effect"
    return name.replace("_", " ").capitalize()


def _axis(curve: PowerCurve) -> str:
    name = _NAMES[curve.solved]
    return f"{name}, share of the baseline" if curve.solved == "effect" and curve.relative else name


def _caption(curve: PowerCurve) -> str:
    test = curve.test.replace("_", "-")
    sides = "two-sided" if curve.sides == 2 else "one-sided"
    levels = np.unique(curve.level)
    level = f" level {levels[0]:.4g}" if levels.size == 1 else ""
    return f"{_NAMES[curve.solved]} of a {sides} {test} test{level} ({curve.formula})"


def _alt(curve: PowerCurve, across: str, x: Floats, y: Floats) -> str:
    missing = len(curve) - x.size
    left_out = f" {missing} rows have no answer and are left out." if missing else ""
    if not x.size:
        return f"{_caption(curve)}: no row has an answer."
    return (
        f"{_caption(curve)} over {_label(curve, across).lower()}: from {y[0]:.4g} at {x[0]:.4g} "
        f"to {y[-1]:.4g} at {x[-1]:.4g}, {x.size} points.{left_out}"
    )
