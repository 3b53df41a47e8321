"""Cohorts of Online Retail: monthly retention, and what cancelled invoices take off.

Rules: lines without a customer are left out, since nobody can be followed by them; a purchase is a
line whose invoice number does not begin with C (cancelled) and whose price is above 0; an amount is
quantity times price. The log begins in December 2010, so that its first cohort holds old customers;
it ends on 9 December 2011, so that this month is not over.
"""

from __future__ import annotations

import pandas as pd
import pytest

from abtest.cohorts import lifetime_value, open_log, repeat_progression, retention

COLUMNS = {"unit": "CustomerID", "time": "InvoiceDate", "value": "amount", "event": "kind"}
AS_OF = "2011-12-09T12:51:00"


@pytest.fixture(scope="module")
def lines(shared_data):
    text = dict.fromkeys(("InvoiceNo", "StockCode", "CustomerID"), "string")
    lines = pd.read_csv(
        shared_data / "online_retail.csv.gz", dtype=text, parse_dates=["InvoiceDate"]
    )
    lines["amount"] = lines["Quantity"] * lines["UnitPrice"]
    cancelled = lines["InvoiceNo"].str.startswith("C")
    kept = lines["CustomerID"].notna() & (lines["UnitPrice"] > 0)
    lines["kind"] = cancelled.map({True: "cancelled", False: "bought"})
    return lines[kept]


@pytest.fixture(scope="module")
def log(lines):
    """Amounts added up over the lines of an invoice: equal lines of one are no copies."""
    keys = ["CustomerID", "InvoiceNo", "InvoiceDate", "kind"]
    return open_log(lines.groupby(keys, as_index=False)["amount"].sum(), as_of=AS_OF, **COLUMNS)


def test_what_the_rules_leave(lines):
    bought = lines[lines["kind"] == "bought"]
    assert (len(bought), bought["CustomerID"].nunique()) == (397_884, 4_338)
    assert bought["amount"].sum() == pytest.approx(8_911_407.90, abs=0.005)
    assert (bought["Quantity"] > 0).all()
    assert (lines.loc[lines["kind"] == "cancelled", "Quantity"] < 0).all()


def test_monthly_cohorts_are_those_that_are_published(log):
    found = retention(log, start="bought", back="bought", period="month").table
    december = found[found["cohort"] == "2010-12"].set_index("period")
    assert december["size"].iloc[0] == 885
    assert december.loc[1:11, "retained"].tolist() == [
        324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445,
    ]  # fmt: skip
    january = found[found["cohort"] == "2011-01"].set_index("period")
    assert january["size"].iloc[0] == 417
    assert january.loc[1:10, "retained"].tolist() == [
        92,
        111,
        96,
        134,
        120,
        103,
        101,
        125,
        136,
        152,
    ]


def test_nine_days_of_december_are_no_month(log):
    found = retention(log, start="bought", back="bought", period="month", periods=12).table
    for cohort, last in (("2010-12", 11), ("2011-01", 10), ("2011-11", 0)):
        assert found.loc[found["cohort"] == cohort, "period"].max() == last
    # believed to the end of the year, its 235 customers would be a month's
    later = log_until(log, "2012-01-01")
    whole = retention(later, start="bought", back="bought", period="month", periods=12).table
    row = whole[(whole["cohort"] == "2010-12") & (whole["period"] == 12)]
    assert row["retained"].tolist() == [235]


def log_until(log, as_of):
    return open_log(log.run(log.events).to_pandas(), as_of=as_of)


def test_value_by_age_with_what_was_given_back(log, lines):
    both = lifetime_value(log, start="bought", purchase=["bought", "cancelled"], days=182, step=7)
    bought = lifetime_value(log, start="bought", purchase="bought", days=182, step=7)
    assert (both.pooled["per_unit"] < bought.pooled["per_unit"]).all()
    # customers watched for half a year, by hand: the sum over those is a plain mean
    first = lines[lines["kind"] == "bought"].groupby("CustomerID")["InvoiceDate"].min()
    end = pd.Timestamp(AS_OF)
    old = first[first <= end - pd.Timedelta(days=182)]
    own = lines[lines["CustomerID"].isin(old.index)]
    age = own["InvoiceDate"] - own["CustomerID"].map(old)
    inside = (age >= pd.Timedelta(0)) & (age < pd.Timedelta(days=182))
    events = log.run(log.events).to_pandas()
    only_old = open_log(events[events["unit"].isin(old.index)], as_of=AS_OF)
    found = lifetime_value(
        only_old, start="bought", purchase=["bought", "cancelled"], days=182, step=7
    )
    last = found.pooled.iloc[-1]
    assert (last["units"], last["watched"]) == (len(old), len(old))
    assert last["per_unit"] == pytest.approx(own.loc[inside, "amount"].sum() / len(old), rel=1e-10)


def test_repeat_purchases_count_dates(log, lines):
    bought = lines[lines["kind"] == "bought"]
    before = bought[bought["InvoiceDate"] < pd.Timestamp("2011-12-09")]  # the last day is not over
    dates = before.groupby("CustomerID")["InvoiceDate"].agg(lambda times: times.dt.date.nunique())
    found = repeat_progression(log, purchase="bought").table
    assert found["reached"].tolist() == [(dates >= k).sum() for k in range(1, 6)]
