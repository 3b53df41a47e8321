"""Times that cannot be read are refused; other zones and spellings of a moment are the same."""

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import as_csv, good_rows, units_spec

T0 = datetime(2026, 1, 5, tzinfo=UTC)
END = datetime(2026, 1, 20, tzinfo=UTC)
ISO = "%Y-%m-%dT%H:%M:%SZ"


def timed(source="timed.csv"):
    """The experiment over units with exposure times."""
    spec = units_spec(source)
    spec["data"]["time"] = "at"
    spec["experiment"] |= {"start": T0, "end": END}
    return spec


@pytest.mark.parametrize(
    "form",
    [
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%d-%m-%Y",
        "%d %b %Y",
        "%y-%m-%d",
        "%Y%m%d",
        "%Y-%m",
        "%H:%M",
        "%Y-%m-%d %H:%M:%S EST",
        "%Y-%m-%d %H:%M:%S Europe/Berlin",
        "%Y-%m-%d %I:%M:%S PM",
        "1767577860",
        "yesterday",
        "infinity",
    ],
)
def test_a_time_that_may_mean_something_else_is_refused(project, form):
    rows = [r._replace(at=datetime.fromisoformat(str(r.at)).strftime(form)) for r in good_rows()]
    project.write("timed.csv", as_csv(rows))
    error = project.refusal(timed())
    assert error.code == "times_unreadable"
    assert "column 'at' of timed.csv: 240 rows" in error.given
    assert "2026-01-05T10:00:00Z" in error.todo


def events_spec(**analysis):
    """An experiment over an event log in two files."""
    return {
        "experiment": {"name": "bad", "start": T0, "end": END, "timezone": "UTC"},
        "variants": {"control": "old", "treatments": ["new"]},
        "data": {
            "kind": "events",
            "exposures": {"source": "shown.csv", "unit": "id", "variant": "arm", "time": "at"},
            "events": {"source": "log.csv", "unit": "id", "time": "at", "name": "what"},
        },
        "analysis": {"cuped": False, **analysis},
        "metrics": [
            {
                "id": "buys",
                "kind": "mean",
                "event": "buy",
                "aggregate": "count",
                "window_days": [0, 3],
                "role": "primary",
                "direction": "increase",
                "mde": 0.1,
            }
        ],
    }


def write_log(project, form=ISO, *, shift=timedelta(0), units=200, days=45):
    """Write exposures in UTC and events in a form, as they would look at another clock."""
    shown = [(f"u{n}", ("old", "new")[n % 2], T0 + timedelta(minutes=61 * n)) for n in range(units)]
    log = [
        (unit, "buy", at + timedelta(hours=3 + 11 * k))
        for n, (unit, _, at) in enumerate(shown)
        for k in range(n * 7919 % 11)
    ]
    log.append(("later", "view", T0 + timedelta(days=days)))
    rows = [(unit, what, (at + shift).strftime(form)) for unit, what, at in log]
    project.write("log.csv", as_csv(rows, ("id", "what", "at")))
    rows = [(unit, arm, at.strftime(ISO)) for unit, arm, at in shown]
    project.write("shown.csv", as_csv(rows, ("id", "arm", "at")))


@pytest.mark.parametrize(
    ("form", "hours"),
    [
        ("%Y-%m-%d %H:%M:%S+03:30", 3.5),
        ("%Y-%m-%dT%H:%M:%S-0800", -8),
        ("%Y-%m-%d %H:%M:%S UTC", 0),
        ("%Y-%m-%d %H:%M:%S", 0),
        ("%Y/%m/%d %H:%M:%S", 0),
    ],
)
def test_events_told_by_another_clock_are_the_same_events(project, form, hours):
    write_log(project)
    expected = project.analyse(events_spec())["effects"]
    write_log(project, form, shift=timedelta(hours=hours))
    assert project.analyse(events_spec())["effects"] == expected


def test_times_without_zone_are_read_in_the_zone_of_the_experiment(project):
    write_log(project)
    expected = project.analyse(events_spec())["effects"]
    write_log(project, "%Y-%m-%d %H:%M:%S", shift=timedelta(hours=3.5))
    spec = events_spec()
    assert project.analyse(spec)["effects"] != expected
    spec["experiment"]["timezone"] = "Asia/Tehran"
    assert project.analyse(spec)["effects"] == expected


def test_a_moment_that_has_not_come_cannot_be_believed(project):
    write_log(project)
    error = project.refusal(events_spec(), as_of="2999-01-01")
    assert error.code == "future_as_of"
    assert "as_of 2999-01-01T00:00:00Z" in error.given


def test_an_as_of_before_all_exposures_is_refused(project):
    write_log(project)
    assert project.refusal(events_spec(), as_of="2025-01-01").code == "no_exposures"


def test_a_window_longer_than_the_data_leaves_no_unit_and_says_so(project):
    write_log(project)
    spec = events_spec()
    spec["metrics"][0]["window_days"] = [0, 400]
    document = project.analyse(spec)
    [row] = document["effects"]
    assert (row["status"], row["n_control"], row["n_treatment"]) == ("not_computed", 0, 0)
    assert row["excluded"]["immature"] == {"old": 100, "new": 100}
    assert document["verdict"] == "invalid"


@pytest.mark.parametrize("window", [[7, 0], [0, 0], [-1, 7], [0, float("nan")], [0, 1e9], [0]])
def test_a_window_that_is_none_is_refused(project, window):
    write_log(project)
    spec = events_spec()
    spec["metrics"][0]["window_days"] = window
    assert "metrics[0].window_days" in str(project.refusal(spec))


def test_events_of_other_units_only_are_refused(project):
    write_log(project)
    project.write("log.csv", (project.root / "log.csv").read_text("utf-8").replace("u", "U"))
    assert project.refusal(events_spec()).code == "no_common_units"


def test_an_event_that_nobody_had_is_no_effect_of_zero(project):
    write_log(project)
    spec = events_spec()
    spec["metrics"][0]["event"] = "bye"
    document = project.analyse(spec)
    [row] = document["effects"]
    assert (row["status"], row["reason"]) == ("not_computed", "no_such_event")
    assert row["reason_values"] == {"events": ["bye"], "nearest": ["buy"]}
    assert document["verdict"] == "inconclusive"


def test_an_event_that_only_others_had_is_there_and_says_nothing(project):
    write_log(project)
    spec = events_spec()
    spec["metrics"][0]["event"] = "view"
    document = project.analyse(spec)
    [row] = document["effects"]
    assert (row["status"], row["reason"]) == ("not_computed", "constant")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"event": ["bye", "buy"]}, None),
        ({"event": ["bye", "sell"]}, ["bye", "sell"]),
        ({"event": "*"}, None),
        ({"kind": "quantile", "event": "bye"}, ["bye"]),
        ({"kind": "score", "score": "mean", "event": "bye", "aggregate": None}, ["bye"]),
        ({"kind": "cumulative", "event": "bye"}, ["bye"]),
        ({"kind": "time_to_event", "event": "bye", "aggregate": None}, ["bye"]),
        (
            {"kind": "proportion", "event": None, "aggregate": None, "steps": ["buy", "bye"]},
            ["bye"],
        ),
        (
            {
                "kind": "proportion",
                "event": None,
                "aggregate": None,
                "all": [{"event": "buy"}, {"event": "bye", "at_most": 0}],
            },
            None,
        ),
    ],
)
def test_metrics_of_events_that_never_happen_say_so_whatever_their_kind(project, change, missing):
    write_log(project)
    spec = events_spec()
    spec["data"]["events"]["value"] = "worth"
    text = (project.root / "log.csv").read_text("utf-8").splitlines()
    project.write("log.csv", "\n".join([f"{text[0]},worth", *(f"{row},1" for row in text[1:])]))
    plain = spec["metrics"][0]
    changed = {**plain, **change, "id": "other", "role": "secondary"}
    spec["metrics"].append({key: value for key, value in changed.items() if value is not None})
    row = next(row for row in project.analyse(spec)["effects"] if row["metric"] == "other")
    if missing is None:
        assert row["reason"] != "no_such_event"
    else:
        assert row["reason"] == "no_such_event"
        assert row["reason_values"]["events"] == missing
