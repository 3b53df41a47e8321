"""Bars and lines stand where their numbers are, and what is not known is not drawn as zero."""

from __future__ import annotations

import re

import numpy as np
import pytest

from abtest.show.arm_curves import Line
from abtest.show.bar_plot import Bars, arm_bars, plain_bars, stacked_bars
from abtest.show.drawing import svg_bytes
from abtest.show.line_plot import STYLES, NamedLine, line_plot
from abtest.show.plot_frame import Words

WORDS = Words("Heading", ("Said.",), "Units", "Day", "Caption.", "Alternative text.")


def heights(axes, colour_of):
    """Return the heights of the bars drawn in the colour of some layer."""
    from matplotlib.colors import to_rgba

    from abtest.show.plot_frame import ink

    wanted = to_rgba(ink(colour_of.role), colour_of.fill)
    return [
        (patch.get_y(), patch.get_height())
        for patch in axes.patches
        if np.allclose(patch.get_facecolor(), wanted)
    ]


def test_layers_stand_on_each_other_and_hang_below_zero():
    layers = [
        Bars("Low", np.array([1.0, 2.0]), "info"),
        Bars("High", np.array([3.0, 0.0]), "good", fill=0.5),
        Bars("Away", np.array([-2.0, -1.0]), "neutral", fill=0.2),
    ]
    axes = stacked_bars(WORDS, ("a", "b"), layers).axes[0]
    zero, unit = heights(axes, layers[0])[0]
    assert heights(axes, layers[0])[1] == pytest.approx((zero, 2 * unit))
    assert heights(axes, layers[1])[0] == pytest.approx((zero + unit, 3 * unit))
    assert heights(axes, layers[2])[0] == pytest.approx((zero, -2 * unit))
    # the key samples are bars of their own, the hanging layer last
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["High", "Low", "Away"]


@pytest.mark.parametrize("count", [5, 200])
def test_places_without_anything_are_hatched(count):
    unknown = np.arange(count) % 4 == 1
    values = np.where(unknown, 0.0, 5.0)
    axes = stacked_bars(
        WORDS, tuple(map(str, range(count))), [Bars("Events", values, "info")], unknown=unknown
    ).axes[0]
    assert sum(patch.get_hatch() == "////" for patch in axes.patches) == unknown.sum()


def test_arms_stand_side_by_side_over_their_difference():
    arms = [
        Bars("control", np.array([0.25, 0.5]), "neutral", fill=0.15),
        Bars("new", np.array([0.5, np.nan]), "info"),
    ]
    nothing = np.array([0.1, np.nan])
    chart = arm_bars(WORDS, ("0", "1"), arms, Line(nothing, nothing, nothing), "Difference")
    upper, lower = chart.axes
    first, second = (heights(upper, arm) for arm in arms)
    assert first[1][1] == pytest.approx(2 * first[0][1])
    assert second[0][1] == pytest.approx(first[1][1])
    assert second[1][1] == 0.0
    assert len(lower.lines[-1].get_xdata()) == 1


def test_a_picture_of_nothing_is_drawn_all_the_same():
    empty = Bars("Units", np.array([np.nan]), "info")
    assert b"svg" in svg_bytes(plain_bars(WORDS, ("0",), [empty], percent=True))
    assert b"svg" in svg_bytes(line_plot(WORDS, ("0",), [NamedLine("a", "", np.array([np.nan]))]))


def test_lines_break_where_nothing_is_known_and_no_more_are_drawn_than_can_be_told_apart():
    values = np.array([np.nan, 1.0, np.nan, 4.0])
    lines = [NamedLine(f"line {i}", "", values) for i in range(9)]
    axes = line_plot(WORDS, ("a", "b", "c", "d"), lines, mark=(3, "as of")).axes[0]
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 4]
    assert len(drawn) == len(STYLES)
    y = np.asarray(drawn[0].get_ydata(), dtype=float)
    assert np.isnan(y).tolist() == [True, False, True, False]
    assert y[3] == pytest.approx(4 * y[1])
    assert "as of" in [text.get_text() for text in axes.texts]


def test_patterns_are_seen_in_svg_on_a_face_of_another_strength():
    bars = Bars("a", np.array([2.0, 3.0]), "warn", hatch="///", fill=0.3)
    svg = svg_bytes(stacked_bars(WORDS, ("x", "y"), [bars])).decode()
    patterns = re.findall(r"<pattern.*?</pattern>", svg, flags=re.DOTALL)
    assert patterns
    assert all('fill="none"' in pattern for pattern in patterns)
