"""Times to an event in real data: CDNOW's second purchase, Vanguard's way from start to confirm.

Curves are computed a second time here, customer by customer with pandas and plain loops. Figures
named R are of R 4.2.2 with survival 3.5-3 on the same rows: `survdiff` and `survfit` with
`conf.type = "log-log"`, its restricted mean by `rmean =`. lifelines 0.30.3 has the same
chi-squares by `logrank_test`.
"""

import duckdb
import numpy as np
import pandas as pd
import pytest

from abtest.stats import (
    EventTimes,
    compare_survival,
    compare_survival_quantiles,
    log_rank_test,
    survival_curve,
)

SECOND_PURCHASE = """
with days as (select distinct customer_id, date from read_csv($file)),
purchases as (
    select customer_id, date,
        row_number() over own as place,
        min(date) over own as first,
        lead(date) over own as next
    from days window own as (partition by customer_id order by date)
)
select month(first) as cohort, coalesce(next, date '1998-06-30') - first as days,
    count(next) as events, count(*) - count(next) as censored
from purchases where place = 1 group by all
"""


@pytest.fixture(scope="module")
def cohorts(shared_data):
    """Days from the first to the second day with a purchase, by month of the first in 1997.

    Customers without a second are censored at the end of the data, 1998-06-30.
    """
    found = duckdb.sql(
        SECOND_PURCHASE, params={"file": str(shared_data / "cdnow_transactions.csv.gz")}
    ).df()
    return [
        EventTimes.from_table(rows["days"], rows["events"], rows["censored"])
        for _, rows in found.groupby("cohort")
    ]


@pytest.fixture(scope="module")
def customers(shared_data):
    """The same by pandas, one row per customer."""
    table = pd.read_csv(
        shared_data / "cdnow_transactions.csv.gz", dtype={"customer_id": str}, parse_dates=["date"]
    )
    days = table.drop_duplicates(["customer_id", "date"]).sort_values(["customer_id", "date"])
    order = days.groupby("customer_id").cumcount()
    first, second = (days[order == n].set_index("customer_id")["date"] for n in (0, 1))
    end = pd.Series(pd.Timestamp("1998-06-30"), index=first.index)
    return pd.DataFrame(
        {
            "cohort": first.dt.month,
            "days": (second.reindex(first.index).fillna(end) - first).dt.days,
            "again": first.index.isin(second.index),
        }
    )


def kaplan_meier(times, observed):
    """Return the curve at each distinct time, one factor at a time."""
    times, observed = np.asarray(times), np.asarray(observed)
    share, curve = 1.0, {}
    order = np.sort(times)
    for time in np.unique(times):
        at_risk = times.size - np.searchsorted(order, time)
        share *= 1.0 - observed[times == time].sum() / at_risk
        curve[float(time)] = share
    return curve


def test_half_of_cdnow_customers_never_buy_on_a_second_day(cohorts):
    assert [arm.n for arm in cohorts] == [7_846, 8_476, 7_248]
    assert [int(arm.events.sum()) for arm in cohorts] == [3_870, 4_081, 3_565]
    assert [float(arm.times[-1]) for arm in cohorts] == [545.0, 514.0, 486.0]


@pytest.mark.parametrize("cohort", [1, 2, 3])
def test_the_curve_of_a_cdnow_cohort_is_that_of_its_customers(cohorts, customers, cohort):
    own = customers[customers["cohort"] == cohort]
    curve = survival_curve(cohorts[cohort - 1])
    expected = kaplan_meier(own["days"], own["again"])
    assert curve.times.tolist() == list(expected)
    np.testing.assert_allclose(curve.survival, list(expected.values()), rtol=1e-11)
    # nobody is censored in the first year: the share is that of customers without a purchase
    assert curve.at(365).estimate == pytest.approx((own["days"] > 365).mean(), rel=1e-11)


def test_the_curves_of_cdnow_cohorts_are_those_of_r(cohorts):
    curves = [survival_curve(arm) for arm in cohorts]
    assert [curve.at(365).estimate for curve in curves] == pytest.approx(
        [0.541804741269437, 0.549433695139217, 0.531456953642384], rel=1e-12
    )
    assert [curve.at(365).lower for curve in curves] == pytest.approx(
        [0.530710043748432, 0.538773841087268, 0.519897744528662], rel=1e-12
    )
    assert [curve.at(365).upper for curve in curves] == pytest.approx(
        [0.552757763622250, 0.559956806448187, 0.542871697816053], rel=1e-12
    )
    late = curves[1].at(500)  # only those of the first half of February are watched so long
    assert late.estimate == pytest.approx(0.518501293413029, rel=1e-12)
    assert (late.lower, late.upper) == pytest.approx((0.507800729255067, 0.529087714096867))
    assert [tuple(vars(curve.quantile(0.25)).values()) for curve in curves] == [
        (57.0, 53.0, 62.0),
        (62.0, 57.0, 67.0),
        (61.0, 55.0, 67.0),
    ]
    assert [curve.quantile().lower for curve in curves] == [492.0, None, 452.0]
    assert [curve.quantile().estimate for curve in curves] == [None, None, None]


def test_cdnow_cohorts_come_back_alike(cohorts, customers):
    january, february, march = cohorts
    found = [log_rank_test(january, other) for other in (february, march)]
    assert [test.statistic**2 for test in found] == pytest.approx(
        [1.06360651994015, 0.364750300320028], rel=1e-11
    )
    assert [test.expected_treatment for test in found] == pytest.approx(
        [4126.79871472831, 3539.11335708488], rel=1e-12
    )
    year = compare_survival(january, february, horizon=365)
    mean = customers["days"].clip(upper=365).groupby(customers["cohort"]).mean()
    assert year.control_value == pytest.approx(mean[1], rel=1e-11)
    assert year.treatment_value == pytest.approx(mean[2], rel=1e-11)
    error = np.hypot(1.71068701410891, 1.63774305886707)  # R
    assert year.absolute.upper - year.estimate == pytest.approx(1.959963984540054 * error)
    assert year.log_rank == found[0]


TO_CONFIRM = """
with events as (
    select Variation as arm, client_id, process_step as step, date_time
    from read_csv($events) as log join read_csv($clients) as arms using (client_id)
    where Variation in ('Test', 'Control')
),
started as (
    select arm, client_id, min(date_time) as start from events where step = 'start' group by all
),
confirmed as (
    select arm, client_id, start,
        min(date_time) filter (step = 'confirm' and date_time >= start) as confirm,
        max(date_time) as last
    from started join events using (arm, client_id) group by all
)
select arm, confirm is not null as confirmed,
    epoch(coalesce(confirm, timestamp '2017-04-30 23:59:59')) - epoch(start) as seconds,
    epoch(coalesce(confirm, last)) - epoch(start) as seconds_until_left
from confirmed
"""


@pytest.fixture(scope="module")
def clients(shared_data):
    """Seconds from a client's first start to the first confirm after it, one row per client.

    Clients who never confirm are censored at the end of the data: until then they might have.
    """
    return duckdb.sql(
        TO_CONFIRM,
        params={
            "events": str(shared_data / "vanguard_web_events_part1.csv.gz"),
            "clients": str(shared_data / "vanguard_experiment_clients.csv"),
        },
    ).df()


def arms_of(clients, column):
    """Return Control and Test."""
    return [
        EventTimes.from_values(rows[column], rows["confirmed"])
        for _, rows in clients.groupby("arm")
    ]


def test_vanguards_curves_are_those_of_its_clients(shared_data, clients):
    events = pd.read_csv(
        shared_data / "vanguard_web_events_part1.csv.gz", parse_dates=["date_time"]
    ).merge(pd.read_csv(shared_data / "vanguard_experiment_clients.csv").dropna())
    start = events[events["process_step"] == "start"].groupby("client_id")["date_time"].min()
    events["start"] = events["client_id"].map(start)
    later = events[(events["process_step"] == "confirm") & (events["date_time"] >= events["start"])]
    confirm = later.groupby("client_id")["date_time"].min().reindex(start.index)
    end = pd.Timestamp("2017-04-30 23:59:59")
    seconds = (confirm.fillna(end) - start).dt.total_seconds()
    variation = events.drop_duplicates("client_id").set_index("client_id")["Variation"]
    for arm, name in zip(arms_of(clients, "seconds"), ("Control", "Test"), strict=True):
        own = variation.reindex(start.index) == name
        curve = survival_curve(arm)
        expected = kaplan_meier(seconds[own], confirm[own].notna())
        assert curve.times.tolist() == list(expected)
        np.testing.assert_allclose(curve.survival, list(expected.values()), rtol=1e-10)


def test_more_clients_of_vanguards_new_process_confirm_and_sooner(clients):
    control, treatment = arms_of(clients, "seconds")
    assert (control.n, treatment.n) == (17_948, 21_770)
    test = log_rank_test(control, treatment)
    assert test.statistic**2 == pytest.approx(177.95879771764, rel=1e-11)  # R, lifelines
    assert (test.events_control, test.events_treatment) == (11_299, 14_789)
    assert test.expected_control == pytest.approx(12374.1712744973, rel=1e-12)
    hour = compare_survival(control, treatment, horizon=3_600)
    assert hour.control_value == pytest.approx(1818.33861441713, rel=1e-12)
    assert hour.treatment_value == pytest.approx(1672.01108247110, rel=1e-12)
    error = np.hypot(12.0374589088833, 10.9409179703201)  # R
    assert hour.absolute.upper - hour.estimate == pytest.approx(1.959963984540054 * error)
    open_ = compare_survival(control, treatment, horizon=3_600, measure="survival")
    assert open_.control_value == pytest.approx(0.442869380732059, rel=1e-12)
    assert open_.treatment_value == pytest.approx(0.403766252417842, rel=1e-12)


def test_the_median_client_of_vanguard_confirms_minutes_sooner(clients):
    arms = arms_of(clients, "seconds")
    found = [survival_curve(arm).quantile() for arm in arms]
    # R has 563.5 for the second, the middle of where the curve is flat at one half
    assert [tuple(vars(median).values()) for median in found] == [
        (782.0, 738.0, 839.0),
        (563.0, 540.0, 589.0),
    ]
    difference = compare_survival_quantiles(*arms)
    assert difference.estimate == -219.0
    assert difference.absolute.upper < -160.0


def test_censoring_vanguards_clients_where_they_left_would_turn_the_sign(clients):
    """Who leaves is not going to confirm: at the last event, censoring tells of the outcome."""
    share = {
        column: compare_survival(*arms_of(clients, column), horizon=3_600, measure="survival")
        for column in ("seconds", "seconds_until_left")
    }
    assert share["seconds"].estimate == pytest.approx(-0.0391, abs=1e-4)
    assert share["seconds_until_left"].estimate == pytest.approx(0.0059, abs=1e-4)
