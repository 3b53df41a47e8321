"""Mean cumulative spend in real data: what CDNOW's customers spend, by month of first purchase.

Everything is computed a second time with pandas, customer by customer.
"""

import numpy as np
import pandas as pd
import pytest

from abtest.stats import (
    RepeatedEvents,
    compare_cumulative_means,
    compare_means,
    cumulative_mean,
)

END = pd.Timestamp("1998-06-30")


@pytest.fixture(scope="module")
def purchases(shared_data):
    """Every purchase, with its day and cohort, and how many days its customer was watched."""
    table = pd.read_csv(
        shared_data / "cdnow_transactions.csv.gz", dtype={"customer_id": str}, parse_dates=["date"]
    )
    first = table.groupby("customer_id")["date"].transform("min")
    return table.assign(
        day=(table["date"] - first).dt.days, cohort=first.dt.month, watched=(END - first).dt.days
    )


@pytest.fixture(scope="module")
def cohorts(purchases):
    """The same summed up, January to March 1997."""
    found = []
    for _, rows in purchases.groupby("cohort"):
        place, customers = pd.factorize(rows["customer_id"])
        ends = rows.groupby("customer_id")["watched"].first().reindex(customers)
        found.append(RepeatedEvents.from_values(ends, place, rows["day"], rows["amount"]))
    return found


def spent(purchases, cohort, day):
    """Return what each customer of a cohort spent up to a day."""
    own = purchases[purchases["cohort"] == cohort]
    early = own["amount"].where(own["day"] <= day, 0.0)
    return early.groupby(own["customer_id"]).sum()


def test_all_of_cdnows_revenue_is_in_its_cohorts(cohorts):
    assert [arm.n for arm in cohorts] == [7_846, 8_476, 7_248]
    # 2,500,315.63 dollars are published (Fader & Hardie)
    total = sum(cumulative_mean(arm).amount.sum() for arm in cohorts)
    assert total == pytest.approx(2_500_315.63, abs=0.005)


@pytest.mark.parametrize("cohort", [1, 2, 3])
@pytest.mark.parametrize("day", [0, 30, 365])
def test_spend_of_a_year_is_the_mean_over_customers(cohorts, purchases, cohort, day):
    # all are watched for 462 days or more: up to there it is an ordinary mean
    own = spent(purchases, cohort, day)
    found = cumulative_mean(cohorts[cohort - 1])
    assert found.at(day).estimate == pytest.approx(own.mean(), rel=1e-11)
    row = np.searchsorted(found.times, day)
    assert found.error[row] == pytest.approx(own.std(ddof=0) / np.sqrt(own.size), rel=1e-9)


@pytest.mark.parametrize("cohort", [1, 2, 3])
def test_later_days_count_those_still_watched(cohorts, purchases, cohort):
    """Nelson's mean and the error by customer, one day after the other."""
    own = purchases[purchases["cohort"] == cohort]
    customers = own.groupby("customer_id")["watched"].first()
    days = range(int(customers.max()) + 1)
    daily = own.pivot_table(index="customer_id", columns="day", values="amount", aggfunc="sum")
    daily = daily.reindex(index=customers.index, columns=days).fillna(0.0)
    mean, influence = 0.0, np.zeros(len(customers))
    found = cumulative_mean(cohorts[cohort - 1])
    for day in days:
        watched = (customers >= day).to_numpy()
        step = daily[day].sum() / watched.sum()
        mean += step
        influence += watched * (daily[day].to_numpy() - step) / watched.sum()
    assert found.times[-1] == days[-1]
    assert found.at_risk[-1] == (customers == days[-1]).sum()
    assert found.mean[-1] == pytest.approx(mean, rel=1e-11)
    assert found.error[-1] == pytest.approx(np.sqrt((influence**2).sum()), rel=1e-9)


def test_januarys_customers_spend_no_more_in_a_year_than_the_others(cohorts, purchases):
    january = spent(purchases, 1, 365)
    assert january.sum() == pytest.approx(737_977.43, abs=0.005)  # awk over the file's lines
    for cohort in (2, 3):
        other = spent(purchases, cohort, 365)
        found = compare_cumulative_means(cohorts[0], cohorts[cohort - 1], horizon=365)
        assert found.estimate == pytest.approx(other.mean() - january.mean(), rel=1e-10)
        assert found.details["amount_treatment"] == pytest.approx(other.sum(), rel=1e-12)
        assert found.details["watched_control"] == 7_846
        welch = compare_means(january, other)  # divides by n - 1, and takes Student's t
        assert found.interval == pytest.approx(welch.interval, rel=1e-3)
        assert 0.1 < found.p_value < 0.15
    assert compare_cumulative_means(cohorts[0], cohorts[1], horizon=30).p_value > 0.25
