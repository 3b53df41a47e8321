import base64
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from abtest.show.drawing import png_bytes, svg_bytes
from abtest.show.forest_plot import fitted
from abtest.show.forest_rows import forest_panels, ticks

SCALES = ("relative", "absolute")


def panels(page, scale):
    return forest_panels(page.document, page.notes, scale)


@pytest.mark.parametrize("scale", SCALES)
def test_two_drawings_of_one_verdict_are_the_same_bytes(page, scale):
    first, second = (page("ship").forest_chart(scale) for _ in range(2))
    assert svg_bytes(first) == svg_bytes(second)
    assert png_bytes(first) == png_bytes(second)
    assert svg_bytes(first) == svg_bytes(first)


def test_a_figure_needs_no_pyplot_and_ignores_the_settings_of_its_reader(tmp_path):
    code = (
        "import sys, json; import matplotlib as m; m.rcParams['font.size'] = 40;"
        "from abtest.show import Page; case = json.load(sys.stdin);"
        "html = Page(case['document'], case['notes']).forest().html;"
        "assert 'matplotlib.pyplot' not in sys.modules; print(html)"
    )
    from pathlib import Path

    text = (Path(__file__).parents[1] / "documents/ship.json").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True
    )
    case = json.loads(text)
    from abtest.show import Page

    assert done.stdout.rstrip("\n") == Page(case["document"], case["notes"]).forest().html


def test_showing_imports_no_matplotlib_until_a_figure_is_asked_for():
    code = "import sys, abtest.show, abtest.report; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "arm", "label"),
    [
        ("Activation", "", "Activation"),
        ("Activation", "seven_a_week", "Activation · seven_a_week"),
        ("Actions per active day", "seven_a_week", "Actions per active… · seven_a_week"),
        ("A" * 60, "b" * 60, "A" * 13 + "… · " + "b" * 16 + "…"),
        ("A" * 60, "", "A" * 33 + "…"),
    ],
)
def test_a_long_label_keeps_the_arm_that_tells_rows_apart(page, name, arm, label):
    row = panels(page("ship"), "relative")[0].rows[0]
    assert fitted(replace(row, name=name, arm=arm)) == label


@pytest.mark.parametrize("scale", SCALES)
def test_text_from_data_stays_text_in_the_figure(page, scale):
    chart = page("hostile").forest_chart(scale)
    assert not any(text.get_parse_math() for text in chart.texts)
    shown = "".join(ET.fromstring(svg_bytes(chart)).itertext())
    assert '<script>alert("x")</script>' in shown
    assert "script" not in {element.tag for element in ET.fromstring(svg_bytes(chart)).iter()}


def test_dollar_signs_of_a_label_are_not_read_as_mathematics(page):
    shown = page("ship")
    from abtest.show import Page

    notes = [{"metric": "activation", "label": "$\\frac{broken$ <5$"}]
    svg = svg_bytes(Page(shown.document, notes).forest_chart())
    assert "$\\frac{broken$ <5$" in "".join(ET.fromstring(svg).itertext())


def test_one_picture_serves_light_and_dark(page):
    svg = svg_bytes(page("ship").forest_chart()).decode()
    assert "prefers-color-scheme:dark" in svg
    drawn = svg[svg.index("</style>") :]
    assert re.search(r"fill: ?var\(--paper\)", drawn)
    assert not re.search(r"(?:fill|stroke): ?#(?!000000)[0-9a-f]{6}", drawn)


def test_the_html_of_a_figure_has_alt_text_made_from_the_numbers(page):
    html = page("ship").forest("absolute").html
    alt = re.search(r'alt="([^"]*)"', html)[1]
    assert "Activation: +2.88 points (+2.04 to +3.72), improved" in alt
    source = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', html)[1]
    ET.fromstring(base64.b64decode(source))


def test_limits_of_thousands_of_per_cent_are_written_whole(page):
    shown = page("ship")
    effect = shown.document["effects"][0]
    effect["relative"] |= {"estimate": 2.73, "lower": 0.87, "upper": 29.89, "status": "bounded"}
    row = panels(shown, "relative")[0].rows[0]
    assert row.numbers == "+273% (+87% to +2,989%)"
    effect["relative"] |= {"upper": None, "status": "half_line"}
    assert panels(shown, "relative")[0].rows[0].numbers == "+273.0% (+87.0% or more)"


def test_a_reason_that_is_too_long_for_its_column_ends_in_an_ellipsis(page):
    shown = page("ship")
    shown.document["effects"][0] |= {"status": "not_computed", "reason": "horizon_too_far"}
    image = svg_bytes(shown.forest_chart("relative")).decode()
    assert "too few units have been seen for as…" in image
    assert (
        "too few units have been seen for as long as its horizon" in shown.forest("relative").html
    )


def test_relative_effects_share_one_axis_and_absolute_ones_only_within_a_unit(page):
    assert len(panels(page("ship"), "relative")) == 1
    absolute = panels(page("ship"), "absolute")
    assert [panel.title.split(",")[0] for panel in absolute] == [
        "Percentage points", "Sessions per unit", "Invites sent", "Spend per session",
    ]  # fmt: skip
    assert all(panel.low == -panel.high for panel in absolute)


def test_the_margin_stands_on_the_side_that_is_worse(page):
    rows = {row.label: row for row in panels(page("ship"), "relative")[0].rows}
    assert rows["Sessions per unit"].margin == pytest.approx(-8)
    assert rows["Notifications muted"].margin == pytest.approx(20)
    assert rows["Activation"].mde == pytest.approx(5)


def test_intervals_without_ends_run_to_the_end_of_the_axis(page):
    rows = {row.label: row.stretches for row in panels(page("relative_states"), "relative")[0].rows}
    assert rows["One end"][0][1] is None
    assert rows["No end"] == ((None, None),)
    assert rows["Two ends"][0][0] is None
    assert rows["Two ends"][1][1] is None
    assert rows["From zero"] == ()
    assert rows["Gone"] == ()


def test_an_interval_without_ends_does_not_squash_the_others(page):
    panel = panels(page("relative_states"), "relative")[0]
    assert panel.high < 20


@pytest.mark.parametrize("scale", SCALES)
def test_every_axis_shows_zero_and_a_few_round_ticks(any_page, scale):
    for panel in panels(any_page, scale):
        assert panel.low < 0 < panel.high
        positions = [position for position, _ in ticks(panel)]
        assert 0 in positions
        assert 3 <= len(positions) <= 8


def test_what_may_not_be_judged_is_drawn_hollow(page):
    for case in ("invalid", "keep_running"):
        assert not any(row.is_shown_firm for row in panels(page(case), "relative")[0].rows)
