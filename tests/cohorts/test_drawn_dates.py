"""One clock that was never set does not stretch pictures over the calendar."""

from __future__ import annotations

import pandas as pd
import pytest

from abtest.cohorts import active_units, daily_lifecycle, lifecycle, maturity, tiers

DAYS = pd.date_range("2026-01-05T10:00Z", periods=40)
UNITS = [*map(str, range(40)), "unset"]
LOG = pd.DataFrame({"user_id": UNITS, "time": [*DAYS, pd.Timestamp(0, tz="UTC")]})


def ticks(chart):
    return [text.get_text() for axes in chart.axes for text in axes.get_xticklabels()]


def said(chart):
    return " ".join(text.get_text() for text in chart.texts)


@pytest.mark.parametrize(
    "asked",
    [
        active_units,
        daily_lifecycle,
        lifecycle,
        lambda log: maturity(log, days=[7]),
        lambda log: tiers(log, thresholds={"silver": 2}),
    ],
)
def test_dates_before_2000_are_in_the_table_only(asked):
    found = asked(LOG)
    chart = found.plot()
    years = {text[:4] for text in ticks(chart) if text[:1].isdigit() and "-" in text}
    assert years == {"2026"}
    assert "are in the table only." in said(chart).replace("\n", " ")
    without = asked(LOG[LOG["user_id"] != "unset"]).plot()
    assert "are in the table only." not in said(without).replace("Dormant", "").split("end)")[0]
