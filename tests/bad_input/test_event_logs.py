"""Event logs as they come: wrong clocks, machines that never stop, refunds, empty surveys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import pytest

from abtest.cohorts import open_log, retention, sessions
from abtest.errors import DataError

from .conftest import as_csv
from .test_times import END, ISO, T0

UNITS = 120


def shown_rows():
    return [(f"u{n}", ("old", "new")[n % 2], T0 + timedelta(minutes=61 * n)) for n in range(UNITS)]


def log_rows():
    """Purchases of 0 to 9 euros, and an answer of every third unit."""
    rows = []
    for n, (unit, _, at) in enumerate(shown_rows()):
        for k in range(n * 7919 % 7):
            rows.append((unit, "buy", at + timedelta(hours=3 + 11 * k), float((n + k) % 10)))
        if n % 3 == 0:
            rows.append((unit, "answer", at + timedelta(hours=5), float(n % 11)))
    return [*rows, ("later", "view", T0 + timedelta(days=45), None)]


def write(project, log, shown=None, form=ISO):
    shown = shown_rows() if shown is None else shown
    rows = [(unit, arm, at.strftime(ISO)) for unit, arm, at in shown]
    project.write("shown.csv", as_csv(rows, ("id", "arm", "at")))
    rows = [
        (unit, what, at if isinstance(at, str) else at.strftime(form), worth)
        for unit, what, at, worth in log
    ]
    project.write("log.csv", as_csv(rows, ("id", "what", "at", "worth")))


def metric(**keys):
    plain = {
        "id": "spent",
        "kind": "mean",
        "event": "buy",
        "aggregate": "sum",
        "window_days": [0, 3],
        "role": "primary",
        "direction": "increase",
        "mde": 0.1,
    }
    return {key: value for key, value in (plain | keys).items() if value is not None}


def spec(*metrics, **sections):
    return {
        "experiment": {"name": "bad", "start": T0, "end": END, "timezone": "UTC"},
        "variants": {"control": "old", "treatments": ["new"]},
        "data": {
            "kind": "events",
            "exposures": {"source": "shown.csv", "unit": "id", "variant": "arm", "time": "at"},
            "events": {
                "source": "log.csv",
                "unit": "id",
                "time": "at",
                "name": "what",
                "value": "worth",
            },
        },
        "analysis": {"cuped": False},
        "metrics": list(metrics or [metric()]),
        **sections,
    }


def check_of(document, name):
    return next(check for check in document["checks"] if check["check"] == name)


def numbers(document):
    keys = ("status", "n_control", "n_treatment", "control_value", "treatment_value", "absolute")
    return [{key: row[key] for key in keys} for row in document["effects"]]


@pytest.fixture
def plain(project):
    write(project, log_rows())
    return project.analyse(spec())


def test_events_in_the_future_are_counted_and_believed_by_nobody(project, plain):
    ahead = datetime.now(UTC) + timedelta(days=400)
    write(project, [*log_rows(), *((f"u{n}", "buy", ahead, 1e6) for n in range(20))])
    document = project.analyse(spec())
    assert numbers(document) == numbers(plain)
    found = check_of(document, "future_times")
    assert (found["status"], found["values"]["rows"]) == ("warn", 20)


@pytest.mark.parametrize("year", [1900, 1969])
def test_events_before_the_epoch_are_long_before_exposure(project, plain, year):
    old = [(f"u{n}", "buy", f"{year}-12-31T23:59:59Z", 1e6) for n in range(0, UNITS, 5)]
    write(project, [*old, *log_rows()])
    document = project.analyse(spec())
    assert numbers(document) == numbers(plain)
    frame = pd.DataFrame(
        {
            "user_id": [1, 1, 2, 2],
            "event": "open",
            "time": [
                f"{year}-12-28T12:00Z",
                f"{year + 1}-01-05T12:00Z",
                f"{year}-12-31T23:59Z",
                f"{year + 1}-01-01T00:00Z",
            ],
        }
    )
    table = retention(frame, period="month", as_of=f"{year + 1}-03-01").table
    assert table[["cohort", "period", "size", "retained"]].values.tolist() == [
        [f"{year}-12", 0, 2, 2],
        [f"{year}-12", 1, 2, 2],
        [f"{year}-12", 2, 2, 0],
    ]


def test_each_row_may_have_a_zone_of_its_own(project, plain):
    zones = [timedelta(0), timedelta(hours=3.5), timedelta(hours=-8), timedelta(hours=14)]
    texts = ["Z", "+03:30", "-08:00", "+14:00"]
    mixed = [
        (unit, what, f"{at + zones[n % 4]:%Y-%m-%dT%H:%M:%S}{texts[n % 4]}", worth)
        for n, (unit, what, at, worth) in enumerate(log_rows())
    ]
    write(project, mixed)
    assert numbers(project.analyse(spec())) == numbers(plain)


def test_rows_come_in_any_order_and_twice(project, plain):
    rows = log_rows()
    write(project, [*reversed(rows), *rows[::3]])
    document = project.analyse(spec())
    assert numbers(document) == numbers(plain)
    assert check_of(document, "duplicates")["values"]["rows"] >= sum(
        what == "buy" and unit != "later" for unit, what, *_ in rows[::3]
    )


def test_events_sent_twice_under_one_id_count_once_and_are_told(project, plain):
    """The second time with a later clock, so that no row repeats another exactly."""
    rows = log_rows()
    named = [(*row, f"e{number}") for number, row in enumerate(rows)]
    again = [(u, what, at + timedelta(seconds=2), w, i) for u, what, at, w, i in named[::2]]
    lost = [("u3", "buy", T0 + timedelta(hours=8), 1.0, None)] * 2  # without an id: as they are
    write(project, rows)
    texts = [(u, what, at.strftime(ISO), w, i) for u, what, at, w, i in [*again, *named, *lost]]
    project.write("log.csv", as_csv(texts, ("id", "what", "at", "worth", "event_id")))
    given = spec()
    twice = project.analyse(given)
    given["data"]["events"]["id"] = "event_id"
    document = project.analyse(given)
    spent = plain["effects"][0]["treatment_value"] + 1.0 / (UNITS / 2)  # one euro once
    assert document["effects"][0]["treatment_value"] == pytest.approx(spent)
    assert twice["effects"][0]["treatment_value"] > spent
    assert check_of(document, "duplicates")["values"]["rows"] >= len(again)
    given["data"]["events"]["id"] = "event"
    assert project.refusal(given).code == "missing_column"
    frame = pd.DataFrame([*again, *named], columns=["user", "event", "time", "value", "event_id"])
    found = open_log(frame, id="event_id", as_of="2026-03-01")
    assert found.run(found.events.count()).as_py() == len(named)
    ours = retention(found, period="day").table
    pd.testing.assert_frame_equal(
        ours, retention(frame.iloc[len(again) :], period="day", as_of="2026-03-01").table
    )


def test_refunds_are_values_below_zero_and_stay(project):
    rows = log_rows()
    back = [(unit, "buy", at + timedelta(minutes=1), -worth) for unit, _, at, worth in rows[:40]]
    write(project, [*rows, *back])
    row = project.analyse(spec())["effects"][0]
    table = pd.DataFrame([*rows, *back], columns=["unit", "what", "at", "worth"])
    table = table.merge(pd.DataFrame(shown_rows(), columns=["unit", "arm", "zero"]))
    inside = table[(table["what"] == "buy") & (table["at"] < table["zero"] + timedelta(days=3))]
    means = inside.groupby("arm")["worth"].sum() / (UNITS / 2)
    assert row["control_value"] == pytest.approx(means["old"])
    assert row["treatment_value"] == pytest.approx(means["new"])


@pytest.mark.parametrize("worth", [1e12, -1e12, 1e15])
def test_an_enormous_value_is_a_value_and_winsorising_is_offered(project, plain, worth):
    rows = log_rows()
    unit, what, at, _ = next(row for row in rows if row[1] == "buy" and row[0] == "u1")
    write(project, [*rows, (unit, what, at + timedelta(minutes=1), worth)])
    found = {row["metric"]: row for row in project.analyse(spec(metric(winsorize=0.95)))["effects"]}
    exact = plain["effects"][0]["treatment_value"] + worth / (UNITS / 2)
    assert found["spent_uncapped"]["treatment_value"] == pytest.approx(exact, rel=1e-8)
    assert abs(found["spent"]["treatment_value"]) < 1e12 / UNITS or worth < 0


def test_a_value_beyond_numbers_fails_its_metric_alone(project, plain):
    rows = [*log_rows(), ("u1", "buy", T0 + timedelta(hours=2), 1e308)]
    write(project, [*rows, ("u1", "buy", T0 + timedelta(hours=3), 1e308)])
    document = project.analyse(
        spec(metric(), metric(id="bought", kind="proportion", aggregate=None, role="secondary"))
    )
    first, second = document["effects"]
    assert (first["status"], first["reason"]) == ("not_computed", "infinite_values")
    assert second["status"] == "ok"


def test_exposures_without_events_count_as_zero_and_strangers_not_at_all(project, plain):
    strangers = [(f"x{n}", "buy", T0 + timedelta(days=1), 1e6) for n in range(50)]
    write(project, [*log_rows(), *strangers])
    assert numbers(project.analyse(spec())) == numbers(plain)
    silent = [(f"s{n}", ("old", "new")[n % 2], T0 + timedelta(hours=n)) for n in range(60)]
    write(project, log_rows(), [*shown_rows(), *silent])
    row = project.analyse(spec())["effects"][0]
    before = plain["effects"][0]
    assert (row["n_control"], row["n_treatment"]) == (90, 90)
    assert row["control_value"] == pytest.approx(before["control_value"] * 60 / 90)
    assert row["treatment_value"] == pytest.approx(before["treatment_value"] * 60 / 90)


SURVEY = {"id": "liked", "kind": "score", "event": "answer", "aggregate": None, "mde": None}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: None if row[1] == "answer" else row, "no_such_event"),
        (lambda row: (*row[:3], None) if row[1] == "answer" else row, "all_null"),
        (
            lambda row: None if row[1] == "answer" and int(row[0][1:]) % 2 else row,
            "too_few_units",
        ),
    ],
)
def test_a_survey_that_nobody_answers_is_a_typed_row(project, change, reason):
    write(project, [row for row in map(change, log_rows()) if row is not None])
    survey = metric(**SURVEY, role="secondary")
    document = project.analyse(spec(metric(), survey))
    row = next(row for row in document["effects"] if row["metric"] == "liked")
    assert (row["status"], row["reason"]) == ("not_computed", reason)
    assert document["effects"][0]["status"] == "ok"


def test_one_unit_with_ten_million_events_is_one_unit_and_its_session_never_ends(project):
    write(project, log_rows())
    target = (project.root / "log.parquet").as_posix()
    duckdb.sql(
        f"""copy (
            select id, what, cast("at" as timestamp) as "at", worth from '{project.root}/log.csv'
            union all
            select 'u1', 'ping', timestamp '2026-01-05' + to_seconds(i // 4), cast(null as double)
            from range(10_000_000) t(i)
            union all
            select 'u1', 'buy', timestamp '2026-01-05 04:00:00' + to_milliseconds(i), 1.0
            from range(10_000) t(i)
        ) to '{target}'"""
    )
    given = spec(
        metric(),
        metric(id="all", event="*", aggregate="count", role="secondary"),
        metric(id="visits", event=None, aggregate="sessions", role="secondary"),
        metric(id="stay", event=None, aggregate="session_seconds", role="secondary"),
    )
    given["data"]["events"]["source"] = "log.parquet"
    rows = {row["metric"]: row for row in project.analyse(given)["effects"]}
    half, three_days = UNITS / 2, 3 * 86_400
    zero = datetime(2026, 1, 5, 1, 1, tzinfo=UTC)  # u1 is shown its variant
    assert rows["spent"]["treatment_value"] > 10_000 / half
    # of pings four a second, equal ones count once; those before exposure do not
    assert rows["all"]["treatment_value"] * half == pytest.approx(three_days + 10_000, rel=0.01)
    assert rows["stay"]["treatment_value"] * half >= three_days - 2
    assert rows["visits"]["treatment_value"] * half < 7 * half
    assert zero == shown_rows()[1][2]
    assert sessions(f"{target}", unit="id", event="what", time="at").table["sessions"].iloc[0] > 0


def test_a_log_of_cohorts_refuses_what_it_cannot_know():
    frame = pd.DataFrame({"user_id": [1], "event": ["open"], "time": ["2030-01-01T00:00Z"]})
    with pytest.raises(DataError) as caught:
        open_log(frame)
    assert caught.value.code == "no_events"
