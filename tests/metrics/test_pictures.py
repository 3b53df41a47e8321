"""Pictures of distributions and times: what they say, what they survive, and when there is none."""

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial

import numpy as np
import pytest

from abtest.metrics.picture_arms import estimate_of, thinned
from abtest.metrics.pictures import (
    QUANTILES,
    cumulative_pictures,
    quantile_pictures,
    score_pictures,
    survival_pictures,
)
from abtest.metrics.score import ScoreMetric
from abtest.show.drawing import png_bytes, svg_bytes
from abtest.show.effect_words import absolute_interval
from abtest.show.estimate_words import interval as interval_words
from abtest.show.numbers import json_number
from abtest.show.step_line import MOST_VERTICES
from abtest.stats import (
    EventTimes,
    RepeatedEvents,
    ValueCounts,
    compare_many_quantiles,
    compare_quantiles,
    compare_scores,
    compare_survival,
)
from abtest.stats.results import Interval

NPS = {"detractors": (0, 6), "passives": (7, 8), "promoters": (9, 10)}
NAMES = [
    ('<script>alert("x")</script>', "$\\frac{broken$ & co"),
    ("two\nlines\x1b[31m", "W" * 300),
    ("نسخهٔ آزمایشی", "実験群" * 20),
    ("", "i"),
]
UNITS = {"survival": {"unit": "<b>" * 90}, "cumulative": {"unit": "<b>" * 90}}
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
DRUG = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
FREIREICH = {
    "placebo": EventTimes.from_values(PLACEBO, [1] * 21),
    "6-MP": EventTimes.from_values(DRUG, [1] * 9 + [0] * 12),
}

survival = partial(
    survival_pictures, label="Remission", horizon=20, unit="weeks", confidence_level=0.95
)
cumulative = partial(
    cumulative_pictures, label="Orders", horizon=10, unit="days", confidence_level=0.95
)
quantile = partial(quantile_pictures, label="Visits", quantile=0.5, confidence_level=0.95)
score = partial(score_pictures, label="Would recommend", groups=NPS, confidence_level=0.95)


def times(seed, n=400, scale=15.0, last=30):
    draw = np.random.default_rng(seed)
    event, end = np.ceil(draw.exponential(scale, n)), draw.integers(20, last, n)
    return EventTimes.from_values(np.minimum(event, end), event <= end)


def repeats(seed, n=200, rate=0.2):
    draw = np.random.default_rng(seed)
    end = draw.integers(8, 16, n)
    unit = np.repeat(np.arange(n), draw.poisson(rate * end))
    return RepeatedEvents.from_values(end, unit, np.ceil(draw.random(unit.size) * end[unit]))


def values(seed, n=300, of=60):
    return ValueCounts.from_values(np.random.default_rng(seed).integers(0, of, n).astype(float))


def answers(seed, n=300):
    return ValueCounts.from_values(np.random.default_rng(seed).integers(0, 11, n).astype(float))


KINDS = {
    "survival": (survival, times, 1),
    "cumulative": (cumulative, repeats, 1),
    "quantile": (quantile, values, 2),
    "score": (score, answers, None),
    "answers": (partial(score, groups=None), answers, 1),
    "satisfied": (partial(score, groups={"satisfied": (8, 10)}), answers, None),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def two(kind):
    draw, sample, _ = KINDS[kind]
    return draw({"control": sample(1), "treatment": sample(2)}, "control")


def said_in(chart):
    return " ".join(ET.fromstring(svg_bytes(chart)).itertext())


def is_inside(chart):
    """Whether every text lies within the picture."""
    width, height = chart.canvas.get_width_height()
    renderer = chart.canvas.get_renderer()
    texts = [*chart.texts, *(text for axes in chart.axes for text in axes.texts)]
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    return all(
        box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes
    )


@every_kind
def test_two_drawings_of_one_metric_are_the_same_bytes(kind):
    for first, second in zip(two(kind), two(kind), strict=True):
        assert svg_bytes(first) == svg_bytes(second)
        assert png_bytes(first) == png_bytes(second)


def test_pictures_are_the_same_in_another_process_and_need_no_pyplot():
    code = (
        "import sys, hashlib; import matplotlib as m; m.rcParams['font.size'] = 40;"
        "from abtest.metrics.pictures import survival_pictures;"
        "from abtest.show.drawing import svg_bytes; from abtest.stats import EventTimes;"
        "arms = {'a': EventTimes.from_values([1, 2, 3], [1, 1, 0]),"
        " 'b': EventTimes.from_values([2, 3, 4], [1, 1, 1])};"
        "chart, = survival_pictures(arms, 'a', label='x', horizon=2, unit='days',"
        " confidence_level=0.9);"
        "assert 'matplotlib.pyplot' not in sys.modules;"
        "print(hashlib.sha256(svg_bytes(chart)).hexdigest())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout


def test_importing_the_pictures_imports_no_matplotlib():
    code = "import sys, abtest.metrics.pictures; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@every_kind
@pytest.mark.parametrize("names", NAMES, ids=range(len(NAMES)))
def test_names_from_data_stay_text_and_inside_the_picture(kind, names):
    draw, sample, _ = KINDS[kind]
    control, treatment = names
    arms = {control: sample(1), treatment: sample(2)}
    for chart in draw(arms, control, label=f"label {treatment}", **UNITS.get(kind, {})):
        drawn = ET.fromstring(svg_bytes(chart))
        assert "script" not in {element.tag.rpartition("}")[2] for element in drawn.iter()}
        assert "\x1b" not in "".join(drawn.itertext())
        assert "<script" not in chart.fragment().html
        assert is_inside(chart)


@every_kind
def test_one_picture_serves_light_and_dark(kind):
    for chart in two(kind):
        svg = svg_bytes(chart).decode()
        drawn = svg[svg.index("</style>") :]
        assert not re.search(r"(?:fill|stroke): ?#(?!000000)[0-9a-f]{6}", drawn)


@every_kind
def test_four_arms_have_a_picture_for_each_treatment_on_common_axes(kind):
    draw, sample, each = KINDS[kind]
    arms = {name: sample(seed) for seed, name in enumerate(("b", "control", "c", "d"))}
    charts = draw(arms, "control")
    if each is None:  # all arms are rows of one
        assert len(charts) == 1
        assert all(name in charts[0].alt for name in arms)
        return
    assert len(charts) == 3 * each
    ticks = [
        [
            (float(y), text.get_text())
            for y, text in zip(a.get_yticks(), a.get_yticklabels(), strict=True)
        ]
        for chart in charts
        for a in chart.axes
    ]
    assert all(is_inside(chart) for chart in charts)
    assert ticks[:3] == [ticks[0]] * 3  # effects come first, then distributions
    assert ticks[-3:] == [ticks[-1]] * 3


def test_a_survival_picture_says_the_difference_of_the_mean_times_and_the_units_at_risk():
    (chart,) = survival(FREIREICH, "placebo")
    result = compare_survival(*FREIREICH.values(), horizon=20)
    assert f"{result.estimate:+.1f}" == "+7.7"
    assert "placebo 8.4, 6-MP 16.1" in chart.alt
    assert "Difference +7.7 weeks (95% interval +4.2 to +11.2)" in chart.alt
    assert "6-MP 63% (37% to 80%), 8 of 21 units at risk" in chart.alt
    shown = said_in(chart)
    assert "Difference +7.7 weeks (95% interval +4.2 to +11.2)." in shown
    texts = [text.get_text() for text in chart.texts]
    row = texts.index("placebo")
    assert texts[row + 1 : row + 8] == ["21", "14", "8", "4", "2", "0", "0"]
    assert texts[row + 9 : row + 16] == ["21", "21", "15", "11", "8", "5", "4"]
    assert "Difference +7.7 weeks" in chart.caption


def test_numbers_at_risk_stand_under_the_ticks_of_the_axis():
    (chart,) = survival(FREIREICH, "placebo")
    chart.canvas.draw()
    renderer = chart.canvas.get_renderer()

    def middle(text):
        box = text.get_window_extent(renderer)
        return (box.x0 + box.x1) / 2

    ticks = [middle(label) for label in chart.axes[0].get_xticklabels()]
    row = [text.get_text() for text in chart.texts].index("6-MP")
    numbers = [middle(text) for text in chart.texts[row + 1 : row + 8]]
    assert numbers == pytest.approx(ticks, abs=1.5)


def test_units_that_enter_late_are_counted_as_at_risk_when_they_are():
    entry = [0.0] * 10 + [4.0] * 10
    late = EventTimes.from_values([3.0] * 5 + [9.0] * 15, [1] * 5 + [0] * 15, entry)
    arms = {"a": late, "b": late}
    (chart,) = survival(arms, "a", horizon=8, unit="visits")
    texts = [text.get_text() for text in chart.texts]
    ticks = [label.get_text() for label in chart.axes[0].get_xticklabels()]
    at_risk = dict(zip(ticks, texts[texts.index("a") + 1 :], strict=False))
    assert at_risk["0"] == "10"
    assert at_risk["4"] == "5"
    assert at_risk["6"] == "15"


def test_an_arm_without_events_and_one_without_censoring_are_drawn():
    whole = EventTimes.from_values([1.0, 2, 3, 4, 5] * 10, [1] * 50)
    none = EventTimes.from_values([30.0] * 50, [0] * 50)
    (chart,) = survival({"a": whole, "b": none}, "a")
    assert "b 100% (" in chart.alt
    assert len(survival({"a": whole, "b": whole}, "a")) == 1


def test_curves_beyond_the_horizon_stay_on_the_axis():
    table = ([1, 5, 10, 14], [1, 1, 1, 60], [0, 0, 0, 37])
    arms = {"a": EventTimes.from_table(*table), "b": EventTimes.from_table(*table)}
    (chart,) = survival(arms, "a", horizon=10, unit="days")
    assert min(float(np.min(line.get_ydata())) for line in chart.axes[0].lines) >= 0.0
    curves = [line for line in chart.axes[0].lines if line.get_linewidth() > 1.5]
    assert chart.axes[0].get_yticklabels()[0].get_text() == "0%"
    assert float(curves[0].get_ydata()[-1]) == pytest.approx(0.37)


def test_there_is_no_picture_where_there_is_no_number():
    none = EventTimes.from_values([30.0] * 50, [0] * 50)
    empty = EventTimes.from_values([], [])
    short = EventTimes.from_values([2.0] * 50 + [3.0] * 50, [0] * 50 + [1] * 50)
    assert survival({"a": none, "b": none}, "a") == ()
    assert survival({"a": empty, "b": times(1)}, "a") == ()
    (so_far,) = survival({"a": times(1), "b": short}, "a")
    assert re.search(r"seen up to 3 of 20 weeks", so_far.alt)
    assert survival({"a": times(1)}, "a") == ()
    assert survival({"b": times(1)}, "a") == ()
    no_orders = RepeatedEvents.from_values([12] * 20, [], [])
    assert cumulative({"a": no_orders, "b": no_orders}, "a") == ()
    nothing = ValueCounts.from_values([math.nan] * 9)
    assert quantile({"a": nothing, "b": values(1)}, "a") == ()
    assert quantile({"a": nothing, "b": nothing}, "a") == ()
    for groups in (NPS, None, {"top": (4, 5)}):
        assert score({"a": nothing, "b": answers(1)}, "a", groups=groups) == ()
        assert score({"a": answers(1), "b": nothing}, "a", groups=groups) == ()
    beyond = ValueCounts.from_values([11.0, 3.0, 4.0])
    assert score({"a": answers(1), "b": beyond}, "a") == ()


def test_a_treatment_without_a_number_does_not_take_the_others_picture():
    arms = {"a": times(1), "b": EventTimes.from_values([], []), "c": times(2)}
    (chart,) = survival(arms, "a")
    assert ", c " in chart.alt


def test_cumulative_pictures_say_the_means_and_the_units_watched():
    arms = {"a": repeats(1), "b": repeats(2, rate=0.3)}
    (chart,) = cumulative(arms, "a")
    assert re.search(r"Per unit up to 10 days: a \d\.\d+, b \d\.\d+\. Difference \+\d", chart.alt)
    watched = int(arms["b"].ended[arms["b"].times >= 10].sum())
    assert f"{watched} of 200 units watched" in chart.alt
    zero = RepeatedEvents.from_values([12] * 20, [], [])
    assert len(cumulative({"a": zero, "b": repeats(2)}, "a")) == 1


def test_quantile_pictures_show_the_tested_one_with_its_own_interval_beside_the_band():
    arms = {"a": values(1), "b": values(2)}
    effect, spread = quantile(arms, "a", quantile=0.33)
    own = compare_quantiles(arms["a"], arms["b"], quantile=0.33).absolute
    assert (
        f"The 33% quantile: a {compare_quantiles(*arms.values(), quantile=0.33).control_value:g}"
        in effect.alt
    )
    assert f"interval {own.lower:+.0f} to {own.upper:+.0f}".replace("-", "−") in effect.alt
    band = compare_many_quantiles(arms["a"], arms["b"], quantiles=sorted({*QUANTILES, 0.33}))
    middle = band.band[band.quantiles.index(0.5)]
    shown = f"50%: {middle.estimate:g} ({middle.lower:g} to {middle.upper:g})"
    assert shown.replace("-", "−") in effect.alt
    assert "a, 300 units: 10% of units at or below" in spread.alt


def test_limits_that_do_not_exist_are_said_and_drawn():
    effect, _ = quantile({"a": values(1, 14), "b": values(2, 14)}, "a")
    assert "no limit to no limit" in effect.alt
    assert "Arrowheads" in effect.caption
    markers = {line.get_marker() for line in effect.axes[0].lines if len(line.get_xdata())}
    assert {"v", "^"} <= markers


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        ([3.0] * 20, [3.0] * 20),
        ([0.0] * 20, [5.0] * 20),
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0], [2.0]),
        ([0.0] * 90 + [7.0] * 10, [0.0] * 80 + [7.0] * 20),
        (list(range(40)), [1e300] * 5 + [-1e300] * 5),
        ([1e-300 * k for k in range(40)], [2e-300 * k for k in range(40)]),
        ([8.5e306 * k for k in range(-20, 20)], [0.0] * 9),
        ([-1e5 * 2.0**k for k in range(30)], [1e5 * 2.0**k for k in range(30)]),
        ([0.0] * 30 + [5e-324] * 30, [1.0] * 60),
    ],
)
def test_values_of_any_size_and_any_ties_are_drawn_or_left_out(control, treatment):
    arms = {"a": ValueCounts.from_values(control), "b": ValueCounts.from_values(treatment)}
    for chart in (*quantile(arms, "a"), *score(arms, "a", groups=None), *score(arms, "a")):
        assert "nan" not in chart.alt
        assert "nan" not in said_in(chart)
        assert is_inside(chart)


@pytest.mark.parametrize("size", [1e-300, 1e-6, 1e9, 1e150])
def test_times_of_any_size_are_drawn(size):
    arms = {
        name: EventTimes.from_table(arm.times * size, arm.events, arm.censored)
        for name, arm in FREIREICH.items()
    }
    for chart in survival(arms, "placebo", horizon=20 * size, unit="days"):
        assert is_inside(chart)
        assert "nan" not in chart.alt


def test_a_long_tail_is_cut_and_said_to_be():
    draw = np.random.default_rng(1)
    counts = np.floor(draw.lognormal(2, 1.5, 5000))
    arms = {"a": ValueCounts.from_values(counts), "b": ValueCounts.from_values([*counts, 1e6])}
    spread = quantile(arms, "a")[1]
    assert re.search(r"cut at [\d,]+ \(at most 0\.\d% of an arm lie beyond", spread.caption)
    assert "as far as 1e6)" in spread.caption
    assert "logarithmic above 1" in said_in(spread)


def test_few_distinct_values_are_bars_with_their_shares():
    arms = {"a": answers(1), "b": answers(2)}
    spread = quantile(arms, "a")[1]
    share = arms["a"].counts[3] / 300
    assert f"a, 300 units: 0 {arms['a'].counts[0] / 3:.1f}%" in spread.alt
    assert f"{share:.1%}" in [text.get_text() for text in spread.texts]
    assert "95% intervals" in spread.caption


def test_score_pictures_say_the_score_the_groups_and_the_answers():
    with_missing = ValueCounts.from_table([2.0, 7.0, 10.0, math.nan], [30, 30, 40, 100])
    arms = {"a": answers(1), "b": with_missing}
    (chart,) = score(arms, "a")
    result = compare_scores(arms["a"], arms["b"]).absolute
    assert f"b 10.0, difference {result.estimate:+.1f} points" in chart.alt
    assert "b, 100 answers: detractors 30.0%, passives 30.0%, promoters 40.0%" in chart.alt
    shown = said_in(chart)
    assert "50.0% answered" in shown
    assert "all answered" in shown
    assert "score 10.0" in shown
    (top,) = score(arms, "a", groups={"high": (8, 10)})
    assert "other answers 60.0%, high 40.0%" in top.alt


def ease(score):
    """A metric of answers from 1 to 5."""
    given = {"event": "answer", "window_days": (0, 7), "direction": "increase"}
    return ScoreMetric(id="ease", kind="score", score=score, role="secondary", **given)


@pytest.mark.parametrize("names", NAMES, ids=range(len(NAMES)))
def test_names_of_arms_stay_inside_the_picture_beside_their_scores(names):
    arms = {name: answers(seed) for seed, name in enumerate(names)}
    arms = {name: ValueCounts.from_values(1 + arm.values % 5) for name, arm in arms.items()}
    (chart,) = ease("mean").pictures(arms, names[0], 0.95)
    assert "Mean answer" in chart.alt
    assert "<script" not in chart.fragment().html
    assert is_inside(chart)


@pytest.mark.parametrize("kind", ["mean", "top_box"])
def test_answers_drawn_one_by_one_stand_beside_their_score(kind):
    metric = ease(kind)
    arms = {
        "a": ValueCounts.from_table([1.0, 2, 3, 4, 5, math.nan], [50, 100, 250, 360, 240, 9]),
        "b": ValueCounts.from_table([1.0, 2, 3, 4, 5, math.nan], [40, 80, 230, 370, 280, 9]),
        "c": ValueCounts.from_table([1.0, 2, 3, 4, 5], [50, 100, 250, 360, 240]),
    }
    (chart, same) = metric.pictures(arms, "a", 0.95)
    expected = metric.compared((arms["a"],), (arms["b"],)).absolute(0.95)
    if kind == "mean":
        scores = "Mean answer from 1 to 5: a 3.640, b 3.770."
        difference = (
            f"Difference {expected.estimate:+.3f} "
            f"(95% interval {expected.lower:+.3f} to {expected.upper:+.3f})."
        )
    else:
        scores = "Answers 4 to 5: a 60.0%, b 65.0%."
        low, high = (f"{100 * end:+.1f}" for end in (expected.lower, expected.upper))
        difference = f"Difference +5.0 points (95% interval {low} to {high})."
    for said in (said_in(chart), chart.alt, chart.caption):
        assert scores in said
        assert difference in said
    assert "Without a value: a 9 of 1,009 units" in said_in(chart)
    assert "Difference 0.0" in same.alt


def test_answers_off_the_scale_are_drawn_without_a_score():
    odd = ValueCounts.from_table([1.0, 7.0], [50, 50])
    (chart,) = ease("mean").pictures({"a": odd, "b": odd}, "a", 0.95)
    assert "Difference" not in chart.alt


def test_a_figure_rounds_a_limit_as_the_table_does():
    """44.2 - 37.35 is 6.850000000000001 as a float, and 6.85 in the document."""
    raw = Interval(4.58, 2.29, 44.2 - 37.35)
    assert raw.upper > 6.85
    keys = ("estimate", "lower", "upper")
    document = {key: json_number(getattr(raw, key)) for key in keys}
    table = absolute_interval({"kind": "quantile", "absolute": document, "control_value": 37.35})
    assert table == "+2.3 to +6.8"
    assert interval_words(estimate_of(raw), 0.95) == f"95% interval {table}"


def test_bars_meet_the_middle_so_that_the_net_score_is_twice_their_shift():
    arms = {"a": ValueCounts.from_table([0.0, 8, 10], [20, 40, 40]), "b": answers(2)}
    (chart,) = score(arms, "a")
    line = next(line for line in chart.axes[0].lines if len(line.get_xdata()) == 2)
    middle = line.get_xdata()[0]
    bars = [patch for patch in chart.axes[0].patches if abs(patch.get_y() - 0.2) < 0.01]
    left, right = bars[0].get_x(), bars[2].get_x() + bars[2].get_width()
    whole = right - left
    assert ((right - middle) - (middle - left)) / whole == pytest.approx(0.2)


def test_a_line_has_few_corners_however_many_times_there_are():
    draw = np.random.default_rng(3)
    arms = {}
    for name in ("a", "b"):
        event, end = draw.exponential(20, 30_000), draw.uniform(10, 40, 30_000)
        arms[name] = EventTimes.from_values(np.minimum(event, end), event <= end)
    (chart,) = survival(arms, "a", unit="days")
    assert max(len(line.get_xdata()) for line in chart.axes[0].lines) <= MOST_VERTICES
    assert len(svg_bytes(chart)) < 120_000


def test_a_sample_with_fewer_values_has_the_same_quantiles_and_almost_the_same_band():
    draw = np.random.default_rng(4)
    arms = [ValueCounts.from_values(draw.lognormal(3, 1, 4000)) for _ in range(2)]
    fewer = [thinned(arm, QUANTILES) for arm in arms]
    assert [arm.n for arm in fewer] == [4000, 4000]
    assert all(arm.values.size < 3000 for arm in fewer)
    shares = (0.01, 0.5, 0.9)
    before, after = (compare_many_quantiles(*pair, quantiles=shares) for pair in (arms, fewer))
    for first, second in zip(before.effects, after.effects, strict=True):
        assert first.control_value == second.control_value
        assert first.estimate == second.estimate
    for first, second in zip(before.band, after.band, strict=True):
        width = first.upper - first.lower
        assert second.lower == pytest.approx(first.lower, abs=0.01 * width)
        assert second.upper == pytest.approx(first.upper, abs=0.01 * width)
