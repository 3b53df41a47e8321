"""Totals per variant and day, in exact arithmetic."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from abtest.data import measure
from abtest.data.request import TotalsRequest
from abtest.data.settings import DateColumn, Totals, TotalsData
from abtest.errors import DataError
from abtest.stats.moments import Moments

PROPORTION = TotalsRequest("rate", trials="n", successes="s")


def run(kit, tmp_path, frame, requests, *, segments=(), **keys):
    totals = Totals(**{"variant": "variant", **keys})
    settings = TotalsData(kind="totals", totals=totals)
    design = kit.plain(segments=segments)
    return measure(settings, requests, design, root=tmp_path, frames=frame)


def daily(**columns):
    days = ["2026-01-01", "2026-01-02", "2026-01-03"]
    return pd.DataFrame(
        {"variant": ["control"] * 3 + ["treatment"] * 3, "day": days * 2, **columns}
    )


def test_successes_and_trials_are_a_column_of_ones_and_noughts(kit, tmp_path):
    frame = daily(n=[10, 20, 30, 11, 21, 31], s=[1, 2, 3, 4, 5, 6])
    measured = run(kit, tmp_path, frame, [PROPORTION], date=DateColumn(column="day"))
    (found,) = measured.samples("rate", "treatment")
    wanted = Moments.from_columns([[1.0] * 15 + [0.0] * 48])
    assert (found.n, found.nulls) == (63, 0)
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-15)
    np.testing.assert_allclose(found.m2, wanted.m2, rtol=1e-13)
    assert measured.tally.exposed == {"control": 60, "treatment": 63}
    assert measured.tally.exposed_by_day[(0, date(2026, 1, 2))] == {"control": 20, "treatment": 21}
    early = measured.samples("rate", "control", exposed_through=date(2026, 1, 1))
    assert (early[0].n, early[0].mean[0]) == (10, pytest.approx(0.1))


def test_sums_of_squares_and_variances_give_the_same_moments_as_the_values(kit, tmp_path):
    rng = np.random.default_rng(1)
    values = [np.round(rng.normal(1000, 3, 50), 3) for _ in range(6)]
    frame = daily(
        n=[50] * 6,
        total=[v.sum() for v in values],
        squares=[(v**2).sum() for v in values],
        mean=[v.mean() for v in values],
        variance=[v.var(ddof=1) for v in values],
    )
    requests = [
        TotalsRequest("sums", n="n", sum="total", sum_squares="squares"),
        TotalsRequest("means", n="n", mean="mean", variance="variance"),
    ]
    measured = run(kit, tmp_path, frame, requests, date=DateColumn(column="day"))
    wanted = Moments.from_columns([np.concatenate(values[:3])])
    for metric, rtol in (("sums", 1e-7), ("means", 1e-9)):
        (found,) = measured.samples(metric, "control")
        assert found.n == 150
        np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-13)
        np.testing.assert_allclose(found.m2, wanted.m2, rtol=rtol)


@pytest.mark.parametrize("gap", ["cell", "row"])
def test_a_day_without_outcome_is_left_out_of_every_arm_and_named(kit, tmp_path, gap):
    frame = daily(n=[10, 20, 30, 11, 21, 31], s=[1, 2, 3, 4, None, 6], units=[100] * 6)
    if gap == "row":
        frame = frame.drop(index=4)
    keys = {"date": DateColumn(column="day"), "missing": "skip_day", "units": "units"}
    measured = run(kit, tmp_path, frame, [PROPORTION], **keys)
    assert [measured.samples("rate", v)[0].n for v in ("control", "treatment")] == [40, 42]
    assert measured.tally.skipped_days == {"rate": (date(2026, 1, 2),)}
    assert measured.tally.exposed["control"] == 300
    refused = run(kit, tmp_path, frame, [PROPORTION], **{**keys, "missing": "refuse"})
    assert refused.failures["rate"] == ("empty_outcomes", {"days": 1, "first": "2026-01-02"})


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("s", 11, "successes_above_trials"),
        ("s", -1, "not_a_count"),
        ("s", 1.5, "not_a_count"),
        ("n", np.inf, "infinite_values"),
        ("n", -1, "not_a_count"),
    ],
)
def test_impossible_totals_fail_their_metric_only(kit, tmp_path, column, value, code):
    frame = daily(n=[10.0, 20, 30, 11, 21, 31], s=[1.0, 2, 3, 4, 5, 6], k=1)
    frame.loc[0, column] = value
    good = TotalsRequest("good", trials="k", successes="k")
    measured = run(kit, tmp_path, frame, [good, PROPORTION], date=DateColumn(column="day"))
    assert measured.failures["rate"][0] == code
    assert measured.failures["rate"][1]["day"] == "2026-01-01"
    assert measured.samples("good", "control")[0].n == 3


def test_negative_variances_are_no_totals(kit, tmp_path):
    frame = daily(n=10, total=100.0, squares=1.0, mean=1.0, variance=-1.0)
    requests = [
        TotalsRequest("a", n="n", sum="total", sum_squares="squares"),
        TotalsRequest("b", n="n", mean="mean", variance="variance"),
        TotalsRequest("c", n="n", mean="mean", variance="nowhere"),
    ]
    measured = run(kit, tmp_path, frame, requests, date=DateColumn(column="day"))
    codes = {metric: code for metric, (code, _) in measured.failures.items()}
    assert codes == {"a": "negative_variance", "b": "negative_variance", "c": "missing_column"}


def test_dates_without_a_year_are_read_with_the_year_given(kit, tmp_path):
    frame = daily(n=10, s=1)
    frame["day"] = ["Wed-Jan-1", "Fri-Feb-29", "Sat-Mar-1"] * 2
    how = DateColumn(column="day", format="%a-%b-%d", year=2028)
    measured = run(kit, tmp_path, frame, [PROPORTION], date=how)
    assert measured.days == (date(2028, 1, 1), date(2028, 2, 29), date(2028, 3, 1))
    how = DateColumn(column="day", format="%Y-%m-%d")
    with pytest.raises(DataError) as caught:
        run(kit, tmp_path, frame, [PROPORTION], date=how)
    assert caught.value.code == "times_unreadable"


def test_a_day_written_twice_is_refused_unless_segments_tell_the_rows_apart(kit, tmp_path):
    frame = pd.concat([daily(n=10, s=1, device="app"), daily(n=20, s=2, device="web")])
    how = DateColumn(column="day")
    with pytest.raises(DataError) as caught:
        run(kit, tmp_path, frame, [PROPORTION], date=how)
    assert caught.value.code == "repeated_totals"
    measured = run(kit, tmp_path, frame, [PROPORTION], date=how, segments=("device",))
    assert measured.samples("rate", "control", segment=("device", "web"))[0].n == 60
    assert run(kit, tmp_path, frame, [PROPORTION]).samples("rate", "control")[0].n == 90


def test_one_file_per_variant(kit, tmp_path):
    kit.write(tmp_path, "a.csv", "Day,n,s\n2026-01-01,10,1\n2026-01-02,20\n")
    kit.write(tmp_path, "b.csv", "Day,n,s\n2026-01-01,10,2\n2026-01-02,20,3\n")
    keys = {"date": DateColumn(column="Day"), "missing": "skip_day", "variant": None}
    files = {"control": "a.csv", "treatment": "b.csv"}
    measured = run(kit, tmp_path, None, [PROPORTION], files=files, **keys)
    assert measured.samples("rate", "treatment")[0].mean[0] == pytest.approx(0.2)
    assert measured.tally.skipped_days["rate"] == (date(2026, 1, 2),)
    with pytest.raises(DataError) as caught:
        run(kit, tmp_path, None, [PROPORTION], files={"control": "a.csv"}, **keys)
    assert caught.value.code == "variant_missing"
