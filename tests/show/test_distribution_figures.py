"""The figures of distributions from plain arrays: thinning, axes, labels, and what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.show.axis_scale import AxisScale, tick_text, time_ticks
from abtest.show.cumulative_plot import cumulative_plot
from abtest.show.distribution_plot import ValueShares, value_scale
from abtest.show.estimate_words import Estimate, interval, like, signed
from abtest.show.plot_frame import shortened, spread
from abtest.show.quantile_plot import QuantileCurve, effect_scale, quantile_plot
from abtest.show.score_plot import ScoreArm, ScoreGroups, score_plot
from abtest.show.step_curves import CurvePair, StepArm
from abtest.show.step_line import MOST_VERTICES, step_vertices, value_at
from abtest.show.survival_plot import lowest_share, survival_plot


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=600, unique=True), st.integers(0, 9))
def test_a_thinned_step_curve_is_never_far_from_the_curve(times, seed):
    x = np.sort(np.array(times))
    y = 1.0 - np.cumsum(np.random.default_rng(seed).random(x.size)) / (x.size + 1)
    most = 60
    corners, (line,) = step_vertices(x, y[None], first=np.ones(1), end=100.0, most=most)
    assert corners.size <= most
    assert (np.diff(corners) >= 0).all()
    assert (np.diff(line) <= 0).all()
    assert (corners[0], line[0], corners[-1], line[-1]) == (0.0, 1.0, 100.0, y[-1])
    columns = 2.0 * 100.0 / (most - 3)
    for at in np.linspace(0.0, 100.0, 37):
        drawn = np.interp(at, corners, line)
        low, high = value_at(x, y, 1.0, np.array([at + columns, at - columns]))
        assert low - 1e-12 <= drawn <= high + 1e-12


def test_few_steps_are_drawn_as_they_are():
    x = np.array([1.0, 4.0, 9.0])
    y = np.array([[0.8, 0.5, 0.2]])
    corners, (line,) = step_vertices(x, y, first=np.ones(1), end=8.0)
    assert corners.tolist() == [0.0, 1.0, 1.0, 4.0, 4.0, 8.0]
    assert line.tolist() == [1.0, 1.0, 0.8, 0.8, 0.5, 0.5]


def test_a_long_flat_part_stays_flat_beside_many_steps():
    x = np.concatenate([np.linspace(0.0, 1.0, 5000), [9.0]])
    y = np.linspace(1.0, 0.0, 5001)
    corners, (line,) = step_vertices(x, y[None], first=np.ones(1), end=10.0)
    assert corners.size <= MOST_VERTICES
    assert np.interp(8.9, corners, line) == y[-2]


@pytest.mark.parametrize(
    "scale",
    [
        AxisScale(0.0, 1.0),
        AxisScale(-3e-7, 2e-7),
        AxisScale(1e-300, 5e-300),
        AxisScale(0.0, 1e308),
        AxisScale(0.1, 1e9, "log"),
        AxisScale(3.0, 8.0, "log"),
        AxisScale(0.0, 50_000.0, "bent"),
        AxisScale(-1e4, 3e5, "bent", 0.1),
        AxisScale(-1e300, 1e300, "bent", 1e-300),
    ],
)
def test_axes_have_a_few_rising_ticks_inside_of_them(scale):
    ticks = scale.ticks()
    places = [place for place, _ in ticks]
    assert 2 <= len(ticks) <= 17
    assert places == sorted(places)
    assert all(-1e-9 <= place <= 1.0 + 1e-9 for place in places)
    assert len({text for _, text in ticks}) == len(ticks)
    assert all(len(text) <= 9 for _, text in ticks)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_labels_never_overlap_and_keep_their_order(places):
    found = spread(places, 0.1)
    order = sorted(range(len(places)), key=lambda index: (places[index], -index))
    apart = np.diff([found[index] for index in order])
    assert (apart >= 0.1 - 1e-3).all()


def test_numbers_of_any_size_are_short():
    assert [tick_text(x) for x in (0.0, -12.0, 1e6, 1.5e-7, 999_999.0, -2.5e12, 0.1234)] == [
        "0", "−12", "1e6", "1.5e-7", "999,999", "−2.5e12", "0.123",
    ]  # fmt: skip
    assert time_ticks(90.0, "days", 8)[:3] == [0.0, 14.0, 28.0]
    assert time_ticks(48.0, "hours", 8)[:3] == [0.0, 6.0, 12.0]


def test_estimates_have_as_many_decimals_as_their_interval_deserves():
    assert signed(Estimate(0.01234, 0.0021, 0.0226), 0.95) == (
        "+0.012 (95% interval +0.002 to +0.023)"
    )
    assert signed(Estimate(0.037, 0.00004, 0.074), 0.95) == (
        "+0.03700 (95% interval +0.00004 to +0.07400)"
    )
    assert interval(Estimate(3.0), 0.9) == "90% interval without limits"
    assert interval(Estimate(3.0, None, 4.0), 0.9) == "90% interval +4 or less"
    assert signed(Estimate(2e14, 1e14, 3e14), 0.95) == "+2e14 (95% interval +1e14 to +3e14)"
    assert like(16.25, Estimate(-1.0, -2.0, 0.0)) == "16.2"


def test_names_are_cut_in_the_middle():
    assert shortened("one\n line", 20) == "one line"
    names = [f"checkout_with_a_new_button_{colour}" for colour in ("blue", "red")]
    assert len({shortened(name, 12) for name in names}) == 2


def test_the_axis_of_shares_starts_at_zero_unless_all_are_large():
    assert lowest_share(0.5) == 0.0
    assert lowest_share(1.0) == 0.96
    for smallest in (0.51, 0.7, 0.999, 0.99999):
        assert smallest - 0.5 * (1.0 - smallest) - 1e-9 <= lowest_share(smallest) <= smallest


def test_values_get_the_axis_on_which_they_can_be_seen():
    def shares(values):
        distinct, counts = np.unique(values, return_counts=True)
        return ValueShares("a", distinct, counts)

    draw = np.random.default_rng(1)
    even, heavy = shares(draw.normal(50, 9, 900)), shares(draw.lognormal(0, 2, 900))
    counts = shares(np.floor(draw.lognormal(1, 1.6, 900)))
    signs = shares(draw.standard_cauchy(900) * 100)
    assert value_scale([even]).kind == "linear"
    assert value_scale([heavy]).kind == "log"
    assert (value_scale([counts]).kind, value_scale([counts]).bend) == ("bent", 1.0)
    cut = value_scale([signs])
    assert cut.kind == "linear"
    assert float(signs.values[0]) < cut.low < 0.0 < cut.high < float(signs.values[-1])


def arm(name, values, first=1.0):
    times = np.arange(1.0, 1.0 + len(values))
    curve = np.array(values)
    watched = np.arange(100, 100 - len(values), -1)
    at = Estimate(curve[1], curve[1] - 0.05, curve[1] + 0.05)
    return StepArm(
        name, times, curve, curve - 0.05, curve + 0.05, first, times, watched, 100, 2.0, at
    )


def pair(control, treatment):
    return CurvePair(
        "Time", "days", 3.0, 4.0, 0.0, 1.0, control, treatment, Estimate(0.1, -0.1, 0.3), 0.95
    )


def test_the_area_is_shaded_up_to_the_horizon_in_the_colour_of_the_arm_above():
    crossing = pair(arm("a", [0.9, 0.4, 0.4, 0.1]), arm("b", [0.6, 0.6, 0.6, 0.3]))
    chart = survival_plot(crossing)
    bands, areas = chart.axes[0].collections[2:], chart.axes[0].collections[:2]
    assert len(bands) == len(areas) == 2
    for area in areas:
        ends = np.concatenate([path.vertices[:, 0] for path in area.get_paths()])
        assert float(ends.max()) <= 0.75 + 1e-9
    below = survival_plot(pair(arm("a", [0.9, 0.8, 0.7, 0.6]), arm("b", [0.6, 0.5, 0.4, 0.3])))
    assert len(below.axes[0].collections) == 3


def test_cumulative_figures_shade_no_area():
    chart = cumulative_plot(
        pair(arm("a", [0.1, 0.4, 0.5, 0.6], 0.0), arm("b", [0.2, 0.5, 0.6, 0.7], 0.0))
    )
    assert len(chart.axes[0].collections) == 2
    assert "Difference +0.10 (95% interval −0.10 to +0.30)" in chart.alt


def curve(estimates, width):
    quantiles = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    middle = np.array(estimates)
    return QuantileCurve(
        "Visits", "a", "b", quantiles, middle, middle - width, middle + width,
        np.arange(5.0), np.arange(5.0) + middle, 0.5, Estimate(2.0, 1.0, 3.0), 0.95,
    )  # fmt: skip


def test_quantile_figures_say_where_the_band_leaves_zero_out():
    shown = curve([-3.0, 0.0, 2.0, 3.5, 4.0], 1.0)
    chart = quantile_plot(shown, effect_scale([shown]))
    said = " ".join(text.get_text() for text in chart.texts)
    assert "it is above zero at 50% to 90% and below zero at 10%" in said
    assert "difference +2 (95% interval +1 to +3)" in chart.alt


def test_effects_far_apart_get_an_axis_that_shows_both():
    wide = curve([0.1, 0.1, 0.2, 5.0, 900.0], 0.05)
    scale = effect_scale([wide])
    assert scale.kind == "bent"
    chart = quantile_plot(wide, scale)
    assert "nearly linear within ±0.01, logarithmic beyond" in chart.caption
    assert effect_scale([curve([0.0] * 5, 0.0)]) == AxisScale(-1.0, 1.0)
    assert effect_scale([replace(wide, lower=wide.lower - np.inf)]).kind == "bent"


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 5, 7])
def test_any_number_of_groups_is_drawn(groups):
    names = tuple(f"group {number}" for number in range(groups))
    counts = tuple(range(1, groups + 1))
    arms = (
        ScoreArm("a", counts, 0, 0.4),
        ScoreArm("b", counts[::-1], 5, 0.5, Estimate(0.1, -0.05, 0.25)),
        ScoreArm("c", (0,) * (groups - 1) + (1,), 0, 1.0),
    )
    chart = score_plot(ScoreGroups("Answers", names, arms, "top", 0.95))
    assert "difference +10 points (95% interval −5 to +25)" in chart.alt
    assert "c 100.0%, a difference that cannot be computed" in chart.alt
    assert all(name in chart.alt for name in names)
