"""Quantiles, times, scores and cumulative means decide experiments whose truth is known.

Values per unit are made by hand with pandas; the statistics are calls of public functions.
"""

from __future__ import annotations

import math
from copy import deepcopy
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import abtest
from abtest.errors import SpecError, UsageError
from abtest.experiment.data_check import check_data
from abtest.experiment.resolve import resolve
from abtest.stats import (
    EventTimes,
    RepeatedEvents,
    ValueCounts,
    compare_cumulative_means,
    compare_quantiles,
    compare_scores,
    compare_survival,
    estimate_quantiles,
    estimate_survival,
)

START = pd.Timestamp("2026-01-05", tz="UTC")
DAY = pd.Timedelta(days=1)
ARMS = ("control", "better", "worse", "same")
USERS = 8_000
BUYING = {"control": 0.10, "better": 0.13, "worse": 0.075, "same": 0.10}
"""Chance of the first purchase per day."""
PLAYS = {"control": 6.0, "better": 7.5, "worse": 5.0, "same": 6.0}
"""Rounds played in a week."""
ANSWERS = {
    "control": (0.2, 0.3, 0.5),
    "better": (0.13, 0.22, 0.65),
    "worse": (0.3, 0.3, 0.4),
    "same": (0.2, 0.3, 0.5),
}
"""Shares of detractors, passives and promoters."""
PAYING = {"control": 0.15, "better": 0.20, "worse": 0.11, "same": 0.15}
"""Payments per day, of 2 to 6 euros each."""
HORIZON, MONTH = 14.0, 28.0

TRUTH = {
    "days_to_buy": {a: (1.0 - math.exp(-HORIZON * r)) / r for a, r in BUYING.items()},
    "plays": {a: float(stats.poisson(r).median()) for a, r in PLAYS.items()},
    "nps": {a: 100.0 * (p - d) for a, (d, _, p) in ANSWERS.items()},
    "spend": {a: 4.0 * MONTH * r for a, r in PAYING.items()},
}
METRICS = {
    "days_to_buy": {
        "kind": "time_to_event",
        "event": "buy",
        "window_days": [0, HORIZON],
        "direction": "decrease",
        "mde": 0.1,
        "margin": 0.1,
    },
    "plays": {
        "kind": "quantile",
        "event": "play",
        "aggregate": "count",
        "window_days": [0, 7],
        "direction": "increase",
        "mde": 0.16,
        "margin": 0.1,
    },
    "nps": {
        "kind": "score",
        "event": "answer",
        "window_days": [0, 10],
        "direction": "increase",
        "mde": 0.6,
        "margin_absolute": 12.0,
    },
    "spend": {
        "kind": "cumulative",
        "event": "pay",
        "aggregate": "sum",
        "window_days": [0, MONTH],
        "direction": "increase",
        "mde": 0.1,
        "margin": 0.1,
    },
}
FIGURES = tuple(METRICS)
ANSWERED = {
    "id": "nps_answered",
    "kind": "proportion",
    "event": "answer",
    "window_days": [0, 10],
    "direction": "increase",
    "role": "guardrail",
    "margin": 0.25,
}
"""Who answers is up to the treatment: a score decides beside the share that answers only."""


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(412)
    arm = rng.choice(ARMS, USERS)
    at = START + pd.to_timedelta(rng.uniform(0, 10, USERS), "D").round("us")
    user = np.array([f"u{number:05d}" for number in range(USERS)])
    rows = []

    def happen(who, days, name, value=np.nan):
        moments = at[who] + pd.to_timedelta(days, "D").round("us")
        rows.append(pd.DataFrame({"user": user[who], "at": moments, "name": name, "value": value}))

    everyone = np.arange(USERS)
    happen(everyone, rng.exponential([1.0 / BUYING[one] for one in arm]), "buy")
    who = np.repeat(everyone, rng.poisson([PLAYS[one] for one in arm]))
    happen(who, rng.uniform(0, 7, len(who)), "play")
    groups = np.array([rng.choice(3, p=ANSWERS[one]) for one in arm])
    lowest, size = np.array([0, 7, 9])[groups], np.array([7, 2, 2])[groups]
    answered = np.flatnonzero(rng.random(USERS) < 0.5)
    final = (lowest + np.floor(rng.random(USERS) * size))[answered]
    happen(answered, rng.uniform(5, 9, len(answered)), "answer", final)
    happen(answered[::3], rng.uniform(0, 5, len(answered[::3])), "answer", 10.0)  # taken back
    who = np.repeat(everyone, rng.poisson([PAYING[one] * 40 for one in arm]))
    happen(who, rng.uniform(0, 40, len(who)), "pay", rng.uniform(2, 6, len(who)).round(2))
    return {
        "exposures": pd.DataFrame({"user": user, "arm": arm, "at": at}),
        "events": pd.concat(rows, ignore_index=True),
    }


def spec(metric, treatments, *, role="primary", drop=("margin", "margin_absolute"), **keys):
    others = [one for one in ARMS if one not in ("control", *treatments)]
    names = ("control", *treatments)
    kept = {key: value for key, value in METRICS[metric].items() if key not in drop}
    return {
        "experiment": {
            "name": "kinds",
            "start": datetime(2026, 1, 5, tzinfo=UTC),
            "end": datetime(2026, 1, 15, tzinfo=UTC),
        },
        "variants": {
            "control": "control",
            "treatments": list(treatments),
            "allocation": dict.fromkeys(names, 1 / len(names)),
        },
        "data": {
            "kind": "events",
            "exposures": {"unit": "user", "variant": "arm", "time": "at"}
            | ({"ignore_variants": others} if others else {}),
            "events": {"unit": "user", "time": "at", "name": "name", "value": "value"},
        },
        "metrics": [
            {"id": metric, "role": role, **kept, **keys},
            *([ANSWERED] if metric == "nps" else []),
        ],
    }


def analyze(log, *args, as_of="2026-02-15", **keys):
    return abtest.load(spec(*args, **keys), data=log).analyze(as_of)


def is_near(row, truth):
    """Within 1.7 times the 95% interval: one interval in a thousand is not."""
    effect = row["absolute"]
    low, high = (1.7 * (effect[end] - effect["estimate"]) for end in ("lower", "upper"))
    return low - 1e-9 <= truth - effect["estimate"] <= high + 1e-9


def row_of(analysis, variant):
    return next(row for row in analysis.to_dict()["effects"] if row["variant"] == variant)


@pytest.mark.parametrize("metric", FIGURES)
@pytest.mark.parametrize(
    ("arm", "outcome", "decision"),
    [
        ("better", "improved", "ship"),
        ("worse", "harmed", "do_not_ship"),
        ("same", "excluded", "do_not_ship"),
    ],
)
def test_each_kind_decides_and_is_near_the_truth(log, metric, arm, outcome, decision):
    analysis = analyze(log, metric, [arm])
    row = row_of(analysis, arm)
    truth = TRUTH[metric][arm] - TRUTH[metric]["control"]
    assert is_near(row, truth)
    assert row["outcome"] == outcome
    assert analysis.verdict.decision == decision
    assert row["control_value"] == pytest.approx(TRUTH[metric]["control"], rel=0.15)


@pytest.mark.parametrize("metric", FIGURES)
@pytest.mark.parametrize(("arm", "outcome"), [("same", "within_margin"), ("worse", "harmed")])
def test_each_kind_is_judged_against_a_margin(log, metric, arm, outcome):
    analysis = analyze(log, metric, [arm], role="primary", drop=("mde",))
    row = row_of(analysis, arm)
    assert row["test"] == "non_inferiority"
    assert row["outcome"] == outcome
    assert analysis.verdict.decision == ("ship" if arm == "same" else "do_not_ship")


@pytest.fixture(scope="module")
def table(log):
    events = log["events"].merge(
        log["exposures"].rename(columns={"at": "zero"}), on="user", validate="many_to_one"
    )
    events["age"] = (events["at"] - events["zero"]) / DAY
    return events.sort_values("at")


def by_hand(log, table, metric, arm, as_of):
    """One arm by hand, as the public functions take it."""
    users = log["exposures"][log["exposures"]["arm"] == arm].set_index("user")
    mine = table[table["arm"] == arm]
    followed = (pd.Timestamp(as_of, tz="UTC") - users["at"]) / DAY
    if metric == "days_to_buy":
        first = mine[mine["name"] == "buy"].groupby("user")["age"].min().reindex(users.index)
        hours = np.minimum(np.floor(followed * 24), HORIZON * 24)
        seen = np.floor(first * 24) < hours
        return np.where(seen, np.floor(first * 24) + 0.5, hours) / 24, seen
    if metric == "plays":
        plays = mine[(mine["name"] == "play") & (mine["age"] < 7)].groupby("user").size()
        return plays.reindex(users.index).fillna(0.0)[followed >= 7]
    if metric == "nps":
        answers = mine[(mine["name"] == "answer") & (mine["age"] < 10)].groupby("user")["value"]
        return answers.last().reindex(users.index)[followed >= 10]
    days = np.minimum(np.floor(followed), MONTH)
    place = pd.Series(np.arange(len(users)), users.index)
    paid = mine[(mine["name"] == "pay") & (mine["age"] < MONTH)]
    paid = paid[np.floor(paid["age"]) < days.reindex(paid["user"]).to_numpy()]
    whose = place.reindex(paid["user"]).to_numpy()
    return days, whose, np.floor(paid["age"]) + 1, paid["value"]


CALLS = {
    "days_to_buy": lambda c, t, level: compare_survival(
        c, t, horizon=HORIZON, confidence_level=level
    ),
    "plays": lambda c, t, level: compare_quantiles(c, t, confidence_level=level),
    "nps": lambda c, t, level: compare_scores(c, t, confidence_level=level),
    "spend": lambda c, t, level: compare_cumulative_means(
        c, t, horizon=MONTH, confidence_level=level
    ),
}


@pytest.mark.parametrize("metric", FIGURES)
@pytest.mark.parametrize("as_of", ["2026-02-15", "2026-02-05"])
def test_the_verdict_says_what_the_public_function_says_of_values_made_by_hand(
    log, table, metric, as_of
):
    analysis = analyze(log, metric, ["better", "worse"], as_of=as_of)
    for arm in ("better", "worse"):
        row = row_of(analysis, arm)
        sides = [by_hand(log, table, metric, name, as_of) for name in ("control", arm)]
        expected = CALLS[metric](*sides, row["confidence_level"])
        assert row["method"] == expected.method
        assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-6, abs=1e-300)
        assert (row["n_control"], row["n_treatment"]) == (expected.n_control, expected.n_treatment)
        for scale in ("absolute", "relative"):
            for name in ("estimate", "lower", "upper"):
                wanted = getattr(getattr(expected, scale), name)
                assert row[scale][name] == pytest.approx(wanted, rel=1e-6, abs=1e-9)
        if metric in ("days_to_buy", "spend"):  # open windows wait for nothing
            assert "immature" not in row["excluded"]


def test_units_with_open_windows_count_and_the_verdict_waits_for_them(log):
    early = analyze(log, "spend", ["better"], as_of="2026-02-05")
    assert early.verdict.decision == "keep_running"
    exposed = log["exposures"]["arm"].value_counts()
    row = row_of(early, "better")
    assert (row["n_control"], row["n_treatment"]) == (exposed["control"], exposed["better"])
    assert row["outcome"] is None


def test_a_metric_that_follows_units_may_be_judged_before_the_last_window_closes(log):
    analysis = analyze(log, "spend", ["better"], as_of="2026-02-05", follow_up_days=21)
    assert analysis.verdict.decision == "ship"
    too_early = analyze(log, "spend", ["better"], as_of="2026-01-20", follow_up_days=2)
    row = row_of(too_early, "better")
    assert (row["status"], row["reason"]) == ("not_computed", "horizon_too_far")
    assert too_early.verdict.decision == "inconclusive"


def test_phases_of_allocation_are_compared_within_and_weighted(log):
    """Late units play more and buy sooner, and most of them are in treatment: no effect."""
    rng = np.random.default_rng(8)
    n = 6_000
    late = np.repeat([0, 1], n // 2)
    arm = np.where(rng.random(n) < np.where(late, 0.8, 0.2), "b", "a")
    at = START + pd.to_timedelta(late * 4 + rng.uniform(0, 4, n), "D").round("us")
    user = np.arange(n)
    who = np.repeat(user, rng.poisson(np.where(late, 9, 4)))
    plays = pd.DataFrame({"user": who, "at": at[who] + DAY, "name": "play"})
    plays["at"] += pd.to_timedelta(np.arange(len(who)), "us")
    waits = rng.exponential(np.where(late, 4.0, 9.0))
    buys = pd.DataFrame({"user": user, "at": at + pd.to_timedelta(waits, "D").round("us")})
    events = pd.concat([plays, buys.assign(name="buy")], ignore_index=True)
    whole = spec("plays", ["b"])
    whole["experiment"]["end"] = datetime(2026, 1, 13, tzinfo=UTC)
    whole["variants"] = {
        "control": "a",
        "treatments": ["b"],
        "allocation": {"a": 0.8, "b": 0.2},
        "phases": [{"from": datetime(2026, 1, 9, tzinfo=UTC), "allocation": {"a": 0.2, "b": 0.8}}],
    }
    whole["data"]["exposures"] = {"unit": "user", "variant": "arm", "time": "at"}
    del whole["data"]["events"]["value"]
    second = {"id": "days_to_buy", "role": "secondary", **METRICS["days_to_buy"]}
    del second["margin"]
    whole["metrics"].append(second)
    data = {"exposures": pd.DataFrame({"user": user, "arm": arm, "at": at}), "events": events}
    analysis = abtest.load(whole, data=data).analyze("2026-02-10")
    with pytest.raises(UsageError, match="phases"):
        analysis.samples("plays")
    rows = {row["metric"]: row for row in analysis.to_dict()["effects"]}
    assert rows["plays"]["absolute"]["lower"] <= 0.0 <= rows["plays"]["absolute"]["upper"]
    assert rows["plays"]["p_value"] > 0.05
    assert rows["days_to_buy"]["p_value"] > 0.05
    counts = pd.Series(1, who).groupby(level=0).size().reindex(user).fillna(0.0).to_numpy()
    parts = [
        [ValueCounts.from_values(counts[(arm == name) & (late == phase)]) for phase in (0, 1)]
        for name in ("a", "b")
    ]
    pair = estimate_quantiles(*parts, quantile=0.5)
    assert rows["plays"]["p_value"] == pytest.approx(pair.test().p_value, rel=1e-6)
    hours = np.floor(waits * 24)
    seen = hours < HORIZON * 24
    times = np.where(seen, hours + 0.5, HORIZON * 24) / 24
    cells = [
        [
            EventTimes.from_values(times[here], seen[here])
            for here in ((arm == name) & (late == phase) for phase in (0, 1))
        ]
        for name in ("a", "b")
    ]
    judged = estimate_survival(*cells, horizon=HORIZON)
    assert rows["days_to_buy"]["p_value"] == pytest.approx(judged.test().p_value, rel=1e-6)
    naive = compare_quantiles(counts[arm == "a"], counts[arm == "b"])
    assert naive.p_value < 1e-6  # mixing the phases sees an effect that is none


@pytest.mark.parametrize(
    ("metric", "key", "value", "said"),
    [
        ("plays", "cuped", True, "compared as it is"),
        ("plays", "strata", ["country"], "compared as it is"),
        ("spend", "covariates", ["plays"], "compared as it is"),
        ("days_to_buy", "window_days", [1, 14], "time is counted from exposure on"),
        ("spend", "window_days", [0, 10.5], "counted in days"),
        ("plays", "quantile", 1.0, "less than 1"),
        ("nps", "scale", [1, 5], "the answers of a net promoter score are 0 to 10"),
        ("nps", "top", 2, "top belongs to top_box"),
        ("spend", "aggregate", "max", "count"),
        ("spend", "follow_up_days", -1, "at least 0"),
    ],
)
def test_what_does_not_fit_a_kind_is_refused_by_name(metric, key, value, said):
    wrong = spec(metric, ["better"], **{key: value})
    with pytest.raises(SpecError) as caught:
        abtest.load(wrong, data={"exposures": pd.DataFrame(), "events": pd.DataFrame()})
    assert key in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(("follow_up", "warned"), [(18, True), (18.5, False), (None, False)])
def test_a_horizon_that_no_unit_reaches_when_it_is_judged_is_a_doubt(follow_up, warned):
    """Enrolment takes 10 days: 18 days later the first unit was watched for 28."""
    keys = {} if follow_up is None else {"follow_up_days": follow_up}
    given = spec("spend", ["better"], **keys)
    given["metrics"].append(given["metrics"][0] | {"id": "later", "role": "secondary"})
    frames = {"exposures": pd.DataFrame(), "events": pd.DataFrame()}
    doubts = abtest.load(given, data=frames).resolved.warnings
    said = [str(doubt) for doubt in doubts if "no unit is watched as long" in doubt.what]
    assert len(said) == (2 if warned else 0)
    if warned:
        assert "28 days after its start" in said[0]
        assert "Give it a larger follow_up_days, or a shorter window." in said[0]
        assert "Give it a shorter window." in said[1]


def test_an_answer_needs_a_value_column():
    wrong = spec("nps", ["better"])
    del wrong["data"]["events"]["value"]
    with pytest.raises(SpecError, match="needs the events' value column"):
        abtest.load(wrong, data={"exposures": pd.DataFrame(), "events": pd.DataFrame()})


def test_a_metric_of_these_kinds_is_no_covariate_of_another():
    both = spec("plays", ["better"])
    other = deepcopy(both["metrics"][0]) | {"id": "mean_plays", "kind": "mean"}
    both["metrics"].append(other | {"covariates": ["plays"]})
    with pytest.raises(SpecError, match="kind quantile has no value before exposure"):
        abtest.load(both, data={"exposures": pd.DataFrame(), "events": pd.DataFrame()})


def test_answers_that_come_from_more_units_of_one_arm_are_said(log):
    events = log["events"]
    arm = events["user"].map(log["exposures"].set_index("user")["arm"])
    chosen = (events["name"] == "answer") & (arm == "better")
    thinned = events[~(chosen & (np.arange(len(events)) % 3 == 0))]
    analysis = analyze({**log, "events": thinned}, "nps", ["better"])
    assert "answers_differ" in row_of(analysis, "better")["warnings"]
    check = next(c for c in analysis.to_dict()["checks"] if c["check"] == "missing_values")
    assert check["status"] == "warn"
    fair = analyze(log, "nps", ["better"])
    assert "answers_differ" not in row_of(fair, "better")["warnings"]
    check = next(c for c in fair.to_dict()["checks"] if c["check"] == "missing_values")
    assert check["status"] == "pass"


def test_amounts_that_one_arm_does_not_log_are_said(log):
    """The events are there and their values are not: the arm seems to spend less."""
    events = log["events"]
    arm = events["user"].map(log["exposures"].set_index("user")["arm"])
    blank = (events["name"] == "pay") & (arm == "better") & (np.arange(len(events)) % 2 == 0)
    values = events["value"].mask(blank)
    analysis = analyze({**log, "events": events.assign(value=values)}, "spend", ["better"])
    assert row_of(analysis, "better")["outcome"] == "harmed"
    check = next(c for c in analysis.to_dict()["checks"] if c["check"] == "missing_values")
    assert (check["status"], check["code"]) == ("warn", "missing_some")
    lacking = check["values"]["valueless"]["spend"]
    assert lacking["by_variant"]["control"] == 0
    assert lacking["by_variant"]["better"] > 1000
    assert lacking["p_value"] < 1e-9


def test_a_check_of_the_data_counts_what_events_lack(log, tmp_path):
    events = log["events"].copy()
    events.loc[events["name"] == "pay", "value"] = np.nan
    events.loc[events.index[:7], "user"] = None
    events.to_parquet(tmp_path / "events.parquet")
    log["exposures"].to_parquet(tmp_path / "exposures.parquet")
    given = spec("spend", ["better"])
    for table in ("exposures", "events"):
        given["data"][table]["source"] = f"{table}.parquet"
    found = check_data(resolve(given, root=tmp_path))
    assert "events without a unit, a name or a time: 7" in found.remarks
    said = "units with an event without the value that 'spend' is made of: "
    assert any(remark.startswith(said) for remark in found.remarks)


def test_finished_columns_of_a_table_of_units_carry_these_kinds_too():
    rng = np.random.default_rng(3)
    n = 4_000
    arm = rng.choice(["a", "b"], n)
    wait = rng.exponential(np.where(arm == "a", 20.0, 30.0))
    end = rng.uniform(10, 60, n)
    frame = pd.DataFrame(
        {
            "arm": arm,
            "days": np.minimum(wait, end).round(3),
            "churned": wait <= end,
            "amount": rng.lognormal(np.where(arm == "a", 1.0, 1.2), 1.0).round(2),
            "csat": np.where(rng.random(n) < 0.4, np.nan, rng.integers(1, 6, n)),
        }
    )
    common = {"role": "secondary", "direction": "increase"}
    whole = {
        "experiment": {"name": "units"},
        "variants": {"control": "a", "treatments": ["b"], "allocation": {"a": 0.5, "b": 0.5}},
        "data": {"kind": "units", "variant": "arm"},
        "metrics": [
            {
                "id": "life",
                "kind": "time_to_event",
                "duration": "days",
                "observed": "churned",
                "horizon": 30,
                "role": "primary",
                "direction": "increase",
                "mde": 0.05,
            },
            {"id": "p90", "kind": "quantile", "quantile": 0.9, "value": "amount", **common},
            {"id": "csat", "kind": "score", "score": "top_box", "value": "csat", **common},
            {"id": "effort", "kind": "score", "score": "mean", "value": "csat", **common},
        ],
    }
    analysis = abtest.load(whole, data={"units": frame}).analyze()
    rows = {row["metric"]: row for row in analysis.to_dict()["effects"]}
    sides = [frame[frame["arm"] == name] for name in ("a", "b")]
    life = compare_survival(*((s["days"], s["churned"]) for s in sides), horizon=30)
    assert rows["life"]["p_value"] == pytest.approx(life.p_value, rel=1e-6)
    truth = 30 * (1 - math.exp(-1)) - 20 * (1 - math.exp(-1.5))
    assert is_near(rows["life"], truth)
    assert analysis.verdict.decision == "ship"
    p90 = compare_quantiles(*(s["amount"] for s in sides), quantile=0.9)
    assert rows["p90"]["p_value"] == pytest.approx(p90.p_value, rel=1e-6)
    effort = compare_scores(
        *(s["csat"] for s in sides), kind="ordinal", scores={k: k for k in range(1, 6)}
    )
    assert rows["effort"]["p_value"] == pytest.approx(effort.p_value, rel=1e-6)
    csat = [s["csat"].dropna() >= 4 for s in sides]
    assert rows["csat"]["control_value"] == pytest.approx(csat[0].mean())
    assert rows["csat"]["n_treatment"] == len(csat[1])
    assert rows["csat"]["method"] == "welch"


def test_cells_of_repeated_events_are_what_one_table_of_all_gives(log, table):
    days, whose, when, amounts = by_hand(log, table, "spend", "better", "2026-02-15")
    whole = RepeatedEvents.from_values(days, whose, when, amounts)
    half = np.arange(len(days)) % 2 == 0
    parts = []
    for side in (half, ~half):
        place = np.cumsum(side) - 1
        mine = side[whose.astype(int)]
        parts.append(
            RepeatedEvents.from_values(
                np.asarray(days)[side], place[whose.astype(int)[mine]], when[mine], amounts[mine]
            )
        )
    merged = parts[0] + parts[1]
    np.testing.assert_allclose(merged.products, whole.products, rtol=1e-12)
    assert merged.n == whole.n


@pytest.mark.parametrize("metric", FIGURES)
def test_the_report_draws_each_kind_with_the_numbers_of_its_row(log, metric):
    analysis = analyze(log, metric, ["better", "worse"])
    charts = analysis.plot.metric(metric)
    assert charts
    shown = analysis.show.pictures()
    assert shown.html.count("<img") == len(charts)
    for arm in ("better", "worse"):
        row = row_of(analysis, arm)
        said = " ".join(chart.alt for chart in charts if arm in chart.alt)
        ends = [row["absolute"][end] for end in ("lower", "upper")]
        near = [f"{abs(end):.1f}" if metric == "nps" else f"{abs(end):.2f}" for end in ends]
        if metric == "plays":
            near = [f"{abs(end):g}" for end in ends]
        for number in near:
            assert number in said, (number, said)


def test_there_is_no_picture_of_a_mean_and_none_over_changing_allocation(log):
    mean = spec("plays", ["better"])
    mean["metrics"][0] |= {"kind": "mean"}
    analysis = abtest.load(mean, data=log).analyze("2026-02-15")
    assert analysis.plot.metric("plays") == ()
    assert analysis.show.pictures().html == analysis.show.over_time().html  # its effect by age
    with pytest.raises(UsageError, match="no such metric"):
        analysis.plot.metric("other")
    changed = spec("plays", ["better"])
    changed["variants"]["phases"] = [
        {
            "from": datetime(2026, 1, 9, tzinfo=UTC),
            "allocation": {"control": 0.2, "better": 0.8},
        }
    ]
    assert abtest.load(changed, data=log).analyze("2026-02-15").plot.metric("plays") == ()


@pytest.mark.parametrize("metric", ["days_to_buy", "spend"])
def test_a_young_experiment_is_drawn_as_far_as_enough_units_were_watched(log, metric):
    analysis = analyze(log, metric, ["better"], as_of="2026-01-18")
    assert row_of(analysis, "better")["reason"] == "horizon_too_far"
    (chart,) = analysis.plot.metric(metric)
    assert f"of {METRICS[metric]['window_days'][1]:g} days" in chart.alt
    assert "seen up to 1" in chart.alt
    assert "provisional" in analysis.show.pictures().text


def test_a_check_of_the_data_offers_the_nearest_name_of_an_event_that_is_not_there(log, tmp_path):
    for role, frame in log.items():
        frame.to_parquet(tmp_path / f"{role}.parquet")
    given = spec("plays", ["better"], event="plai")
    for role in log:
        given["data"][role]["source"] = f"{role}.parquet"
    found = check_data(resolve(given, root=tmp_path))
    assert found.problems == ()
    (said,) = (remark for remark in found.remarks if "plai" in remark)
    assert said == 'the log has no such event for \'plays\': "plai"; did you mean "play"?'
