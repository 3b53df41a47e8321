"""Figures of steps: one curve alone, and shares of values at or below each value."""

from __future__ import annotations

import numpy as np
import pytest

from abtest.show.distribution_plot import ValueShares
from abtest.show.drawing import png_bytes
from abtest.show.estimate_words import Estimate
from abtest.show.plot_frame import Words
from abtest.show.share_steps import share_steps
from abtest.show.step_curves import LoneAxes, StepArm, lone_curve
from abtest.show.step_extent import axis_end, reach

WORDS = Words("Heading", ("Said.",), "Share", "Days", "Caption.", "Alternative.")


def texts(chart):
    return [text.get_text() for axes in chart.axes for text in axes.texts] + [
        text.get_text() for text in chart.texts
    ]


def arm_of(times, values, units=10):
    x = np.asarray(times, dtype=float)
    y = np.asarray(values, dtype=float)
    return StepArm(
        name="everybody", times=x, values=y, lower=y - 0.05, upper=y + 0.05, first=1.0,
        watched_times=x, watched=np.arange(units, units - len(x), -1), units=units,
        summary=float("nan"), at_horizon=Estimate(0.5, 0.4, 0.6),
    )  # fmt: skip


def test_one_curve_has_its_name_its_horizon_and_its_units():
    arm = arm_of([1.0, 2.0, 4.0], [0.9, 0.7, 0.5])
    around = LoneAxes("days", 4.0, 4.0, 0.0, 1.0)
    chart = lone_curve(around, arm, WORDS, [(0.0, "0%"), (1.0, "100%")], "note", title="At risk")
    written = texts(chart)
    assert {"everybody", "note", "horizon: 4", "At risk", "Heading", "Said."} <= set(written)
    assert "10" in written
    assert chart.alt == "Alternative."
    assert png_bytes(chart)


def test_curves_are_never_cut_off_but_bands_beyond_the_horizon_may_be():
    arm = arm_of([1.0, 2.0, 2.5, 9.0], [0.9, 0.7, 0.3, 0.1])
    end = axis_end([arm], 2.0)
    assert end == 3.0
    assert reach([arm], 2.0, end) == (0.3, 1.0)


@pytest.mark.parametrize("mark", [None, (2.0, "two"), (500.0, "far away")])
def test_shares_end_at_one_and_the_mark_is_inside(mark):
    values = ValueShares("a", np.array([1.0, 2.0, 7.0]), np.array([5, 3, 2]))
    other = ValueShares("b", np.array([1.0, 3.0]), np.array([1, 1]))
    chart = share_steps(WORDS, [(values, "10 gaps"), (other, "2 gaps")], mark)
    (axes,) = chart.axes
    curves = [line for line in axes.lines if len(line.get_xdata()) > 2 and line.get_clip_on()]
    assert [line.get_ydata()[-1] for line in curves] == [1.0, 1.0]
    if mark is not None:
        (text,) = [text for text in axes.texts if text.get_text() == mark[1]]
        assert 0.0 <= text.get_position()[0] <= 1.0


def test_a_sample_without_values_has_a_name_and_no_curve():
    empty = ValueShares("nobody", np.array([]), np.array([], dtype=np.int64))
    chart = share_steps(WORDS, [(empty, "0 gaps")], None)
    assert "nobody" in texts(chart)
    assert png_bytes(chart)
