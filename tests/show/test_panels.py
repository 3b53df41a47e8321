"""Panels: bars stand where their edges are, dots where their numbers are."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from abtest.show.arm_curves import Line
from abtest.show.drawing import png_bytes
from abtest.show.panels import DotPanel, LogBars, panels
from abtest.show.plot_frame import CONTROL, TREATMENT, Words

WORDS = Words("Heading", ("Said.",), "Axis", "Below", "Caption", "Alt")
NOTHING = np.array([np.nan, np.nan])


def bars(shares, **more):
    edges = np.array([1.0, 10.0, 100.0])
    ticks = ((1.0, "1 s"), (100.0, "100 s"))
    return LogBars("", edges, np.array(shares), ticks, **more)


def dots(values, *names, **more):
    line = Line(np.array(values), np.array(values) - 1.0, np.array(values) + 1.0)
    styles = (CONTROL, TREATMENT)
    lines = tuple((name, style, line) for name, style in zip(names, styles, strict=False))
    return DotPanel("Dots", ("5 min", "30 min"), lines, **more)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_bars_fill_their_classes_up_to_their_shares():
    chart = panels(WORDS, [bars([0.25, 0.75])])
    drawn = [patch for patch in chart.axes[0].patches if isinstance(patch, Rectangle)]
    assert [round(patch.get_x(), 6) for patch in drawn] == [0.0, 0.5]
    low, high = (patch.get_height() for patch in drawn)
    assert low == pytest.approx(high / 3.0)


def test_a_mark_without_room_has_a_line_and_no_text():
    marks = ((10.0, "10 s"), (10.5, "10.5 s"), (80.0, "80 s"))
    chart = panels(WORDS, [bars([0.5, 0.5], marks=marks)])
    assert texts(chart.axes[0]) == ["10 s", "80 s"]
    weights = [text.get_weight() for text in chart.axes[0].texts]
    assert weights == ["bold", "normal"]
    plain = panels(WORDS, [bars([0.5, 0.5], marks=marks, strong=False)])
    assert [text.get_weight() for text in plain.axes[0].texts] == ["normal", "normal"]


def test_lines_are_named_and_share_one_scale():
    chart = panels(WORDS, [bars([0.5, 0.5]), dots([2.0, 4.0], "control", "new")])
    assert texts(chart.axes[1]) == ["control", "", "new", ""]
    points = [line for line in chart.axes[1].lines if line.get_marker() == "o"]
    assert len(points) == 2
    assert points[0].get_ydata() == pytest.approx(points[1].get_ydata())
    assert (points[0].get_xdata() < points[1].get_xdata()).all()


def test_settings_beyond_the_scale_are_not_connected():
    chart = panels(WORDS, [dots([2.0, 4.0], "", connected=1)])
    lines = [line for line in chart.axes[0].lines if line.get_marker() == "None"]
    assert max(len(line.get_xdata()) for line in lines if line.get_linewidth() == 0.9) == 1


def test_nothing_known_is_a_figure_with_empty_panels():
    empty = Line(NOTHING, NOTHING, NOTHING)
    panel = DotPanel("Dots", ("a", "b"), (("control", CONTROL, empty),), percent=True)
    chart = panels(WORDS, [bars([np.nan, np.nan]), panel])
    assert png_bytes(chart).startswith(b"\x89PNG")
    assert chart.axes[1].get_yticklabels()[-1].get_text() == "100%"
