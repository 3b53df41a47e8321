"""Recency, frequency and value of CDNOW's customers: totals, and no dependence on row order."""

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import rfm

WINDOW = 546
"""Days from 1 January 1997 to the end of 30 June 1998."""


@pytest.fixture(scope="module")
def transactions(shared_data):
    return pd.read_csv(shared_data / "cdnow_transactions.csv.gz", dtype={"customer_id": str})


def asked(log):
    return rfm(log, value="amount", days=WINDOW, as_of="1998-07-01")


def test_totals_are_those_of_the_log(transactions):
    found = asked(transactions)
    assert found.table["units"].sum() == 23_570
    # 11,908 customers have one transaction; a row that is repeated exactly is one purchase
    columns = ["customer_id", "date", "amount"]
    once = transactions.drop_duplicates(columns)
    by_customer = once.groupby("customer_id").agg(
        date=("date", "max"), frequency=("date", "size"), value=("amount", "sum")
    )
    single = int((by_customer["frequency"] == 1).sum())
    lowest = found.table[found.table["frequency_score"] == 1]
    assert lowest["units"].sum() == single >= 11_908
    assert found.table["total_value"].sum() == pytest.approx(once["amount"].sum(), rel=1e-12)
    assert (found.table["mean_frequency"] * found.table["units"]).sum() == pytest.approx(len(once))
    units = found.units.order_by("unit").to_pyarrow().to_pandas()
    assert units["frequency"].tolist() == by_customer["frequency"].tolist()
    assert units["value"].to_numpy() == pytest.approx(by_customer["value"].to_numpy(), abs=1e-6)
    days = (pd.Timestamp("1998-07-01") - pd.to_datetime(by_customer["date"])).dt.days
    assert units["recency_days"].tolist() == days.tolist()


def test_scores_do_not_depend_on_the_order_of_rows(transactions):
    found = asked(transactions)
    shuffled = asked(transactions.sample(frac=1, random_state=8))
    first, second = (x.units.order_by("unit").to_pyarrow() for x in (found, shuffled))
    assert first.equals(second)


def test_scores_are_cuts_at_quantiles(transactions):
    """Classes are those of NumPy's inverted distribution function, right-closed."""
    units = asked(transactions).units.to_pyarrow().to_pandas()
    for column, score in (("frequency", "frequency_score"), ("value", "value_score")):
        values = units[column].to_numpy(dtype=float)
        bounds = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        assert (np.searchsorted(bounds, values, side="left") + 1 == units[score]).all()
    days = units["recency_days"].to_numpy(dtype=float)
    bounds = np.quantile(days, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
    assert (5 - np.searchsorted(bounds, days, side="left") == units["recency_score"]).all()
    for _, part in units.groupby("frequency"):
        assert part["frequency_score"].nunique() == 1
