"""Cohorts of CDNOW: retention, models of buying, value by age, repeat purchases.

Models: Fader, Hardie & Lee 2005 (Marketing Science 24, 275), table 2 and figures 3 and 4; Fader &
Hardie 2013 (The Gamma-Gamma model of monetary value), on the same tenth of the customers. The log
has dates without times: what a customer bought on one date is one purchase, its amounts added up,
since 255 rows that repeat an earlier one are further purchases of that date and no copies.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import buying_model, lifetime_value, repeat_progression, retention
from abtest.stats import fit_bg_nbd

AS_OF = "1998-07-01"


@pytest.fixture(scope="module")
def rows(shared_data):
    return pd.read_csv(
        shared_data / "cdnow_transactions.csv.gz", dtype={"customer_id": str}, parse_dates=["date"]
    )


@pytest.fixture(scope="module")
def purchases(rows):
    """One row per customer and date."""
    return rows.groupby(["customer_id", "date"], as_index=False)["amount"].sum()


@pytest.fixture(scope="module")
def summary(shared_data):
    return pd.read_csv(shared_data / "cdnow_sample_rfm.csv", dtype={"customer_id": str})


@pytest.fixture(scope="module")
def tenth(purchases, summary):
    """The purchases of the papers' 2,357 customers."""
    return purchases.merge(summary[["customer_id"]])


@pytest.fixture(scope="module")
def model(tenth):
    """Fitted to the first 39 weeks."""
    return buying_model(tenth, calibration_end="1997-10-01", as_of=AS_OF)


@pytest.mark.parametrize("distinct", [False, True])
def test_retention_by_month_is_that_of_the_datas_description(rows, distinct):
    found = retention(rows.drop_duplicates() if distinct else rows, period="month", as_of=AS_OF)
    table = found.table.set_index(["cohort", "period"])
    for cohort, size, retained in (
        ("1997-01", 7_846, [1_157, 964, 810]),
        ("1997-02", 8_476, [1_312, 980, 783]),
        ("1997-03", 7_248, [1_032, 752, 756]),
    ):
        own = table.loc[cohort]
        assert own["size"].unique().tolist() == [size]
        assert own.loc[1:3, "retained"].tolist() == retained
        assert own["complete"].all()


def test_retention_is_the_same_by_hand(rows):
    month = rows["date"].dt.year * 12 + rows["date"].dt.month
    first = month.groupby(rows["customer_id"]).transform("min")
    found = retention(rows, period="month", periods=12, as_of=AS_OF).table
    for cohort, part in found.groupby("cohort"):
        number = int(cohort[:4]) * 12 + int(cohort[5:])
        own = first == number
        for row in part[part["period"] > 0].itertuples():
            active = own & (month == number + row.period)
            assert row.retained == rows.loc[active, "customer_id"].nunique()


def test_the_papers_parameters_from_the_papers_summary(summary):
    fit = fit_bg_nbd(summary["frequency"], summary["recency"], summary["T"])
    assert fit.parameters == pytest.approx([0.2426, 4.4135, 0.7929, 2.4258], abs=5e-4)
    assert fit.log_likelihood == pytest.approx(-9_582.43, abs=0.005)
    # the paper's example: customer 1 has bought twice, last in week 30.43 of 38.86
    ahead = fit.conditional_expected_purchases(39.0, [2], [30.43], [38.86])
    assert ahead[0] == pytest.approx(1.226, abs=5e-4)


def test_the_papers_parameters_from_the_log(model):
    assert model.purchases.n == 2_357
    assert model.purchases.parameters == pytest.approx([0.2426, 4.4135, 0.7929, 2.4258], abs=1e-3)
    assert model.purchases.log_likelihood == pytest.approx(-9_582.4, abs=0.05)
    assert model.values.n == 946
    assert model.values.parameters == pytest.approx([6.25, 3.74, 15.44], abs=0.006)
    assert model.correlation == pytest.approx(0.114, abs=5e-4)


def test_the_hold_out_by_hand(model, tenth):
    early = tenth["date"] < pd.Timestamp("1997-10-01")
    before = tenth[early].groupby("customer_id").size() - 1
    after = tenth[~early].groupby("customer_id").size().reindex(before.index, fill_value=0)
    table = model.table.set_index("frequency")
    assert table.loc["all", "actual"] == pytest.approx(after.mean())
    for k in (0, 1, 5):
        assert table.loc[str(k), "units"] == (before == k).sum()
        assert table.loc[str(k), "actual"] == pytest.approx(after[before == k].mean())
    # 1,411 customers of the sample did not buy again in 39 weeks
    assert model.frequency["actual"].iloc[0] == 1_411
    assert model.frequency["predicted"].iloc[0] == pytest.approx(1_411, rel=0.005)


def test_tracking_over_78_weeks(model, tenth):
    last = model.tracking.iloc[-1]
    assert (last["period"], str(last["end"])) == (78, "1998-07-01")
    assert last["actual"] == len(tenth) - 2_357
    assert last["predicted"] == pytest.approx(last["actual"], rel=0.05)
    week_39 = model.tracking.iloc[38]
    assert not week_39["holdout"]
    assert week_39["actual"] == (tenth["date"] < pd.Timestamp("1997-10-01")).sum() - 2_357


def test_repeat_purchases_of_the_tenth(tenth, rows, summary):
    # dates, not rows: rows of the same log give .489, .648, .721
    for log in (tenth, rows.merge(summary[["customer_id"]])):
        found = repeat_progression(log, as_of=AS_OF).table
        assert found["share"].round(3).tolist()[:3] == [0.483, 0.646, 0.716]
        assert found["reached"].tolist()[:4] == [2_357, 1_139, 736, 527]


def test_repeat_purchases_of_all_within_a_quarter(purchases):
    found = repeat_progression(purchases, within_days=91, as_of=AS_OF).table.iloc[0]
    dates = purchases.sort_values(["customer_id", "date"])
    following = dates.groupby("customer_id")["date"].shift(-1)
    first = dates.groupby("customer_id").cumcount() == 0
    soon = (following - dates["date"])[first] <= pd.Timedelta(days=91)
    # everybody is watched for a quarter after the first purchase: a plain share
    assert found["within"] == pytest.approx(soon.mean(), abs=1e-12)
    again = dates.groupby("customer_id").size() > 1
    assert found["share"] == pytest.approx(again.mean(), abs=1e-12)


def test_value_by_age_holds_all_revenue(purchases):
    found = lifetime_value(purchases, days=462, step=7, as_of=AS_OF)
    assert found.pooled["units"].iloc[0] == 23_570
    first = purchases.groupby("customer_id")["date"].transform("min")
    age = (purchases["date"] - first).dt.days
    for row in found.pooled.iloc[[0, 12, 51, 65]].itertuples():
        spent = purchases["amount"].where(age < row.age, 0.0)
        assert row.watched == 23_570
        assert row.per_unit == pytest.approx(spent.sum() / 23_570, rel=1e-10)
        error = spent.groupby(purchases["customer_id"]).sum().std(ddof=0) / np.sqrt(23_570)
        assert row.upper - row.per_unit == pytest.approx(1.959964 * error, rel=1e-6)
    sizes = found.table.drop_duplicates("cohort")["units"].tolist()
    assert sizes == [7_846, 8_476, 7_248]
