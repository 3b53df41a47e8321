"""Covariates and strata of metrics, from the experiment file to the row of the verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.show.effect_words import warning_words
from abtest.stats import Moments, compare_means, estimate_means, heterogeneity

N = 3_000


def units(**metric):
    return {
        "experiment": {"name": "demo"},
        "variants": {
            "control": "control",
            "treatments": ["treatment"],
            "allocation": {"control": 0.6, "treatment": 0.4},
        },
        "data": {"kind": "units", "unit": "id", "variant": "arm"},
        "metrics": [
            {
                "id": "spend",
                "kind": "mean",
                "value": "spend",
                "role": "primary",
                "direction": "increase",
                "mde": 0.05,
                **metric,
            }
        ],
    }


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(12)
    country = rng.choice(["DE", "IR", "NL"], N, p=[0.6, 0.3, 0.1])
    before, visits = rng.gamma(2.0, 5.0, N), rng.poisson(4, N).astype(float)
    arm = rng.choice(["control", "treatment"], N, p=[0.6, 0.4])
    base = 20.0 * (country == "DE") + before + 3.0 * visits + rng.normal(0, 5, N)
    return pd.DataFrame(
        {
            "id": np.arange(N),
            "arm": arm,
            "country": country,
            "before": np.where(rng.random(N) < 0.15, np.nan, before),
            "visits": visits,
            "spend": base + 0.5 * (arm == "treatment"),
        }
    )


def row_of(spec, frame, metric="spend"):
    (row,) = [
        row
        for row in abtest.load(spec, data=frame).analyze().to_dict()["effects"]
        if row["metric"] == metric and not row["segment"]
    ]
    return row


def test_several_covariates_are_used_with_an_indicator_of_the_missing(frame):
    row = row_of(units(covariates=["before", "visits"]), frame)
    arms = [frame[frame["arm"] == name] for name in ("control", "treatment")]
    expected = compare_means(
        *(arm["spend"] for arm in arms),
        covariates=tuple(arm[["before", "visits"]].to_numpy() for arm in arms),
    )
    assert row["method"] == "welch_cuped"
    assert row["absolute"]["estimate"] == pytest.approx(expected.absolute.estimate, rel=1e-8)
    assert row["absolute"]["lower"] == pytest.approx(expected.absolute.lower, rel=1e-7)
    assert row["warnings"] == ["covariate_missing"]
    one = row_of(units(covariates=["visits"]), frame)
    assert row["variance_reduction"] > one["variance_reduction"] > 0.1


def test_a_metric_without_its_own_list_uses_that_of_the_data(frame):
    spec = units()
    spec["data"]["covariates"] = ["before", "visits"]
    assert row_of(spec, frame) == row_of(units(covariates=["before", "visits"]), frame)


def test_strata_compare_like_with_like(frame):
    row = row_of(units(strata=["country"]), frame)
    by_country = [
        [
            Moments.from_columns([part["spend"]])
            for _, part in frame[frame["arm"] == arm].groupby("country")
        ]
        for arm in ("control", "treatment")
    ]
    expected = estimate_means(*by_country, adjusted=False)
    weights = frame["country"].value_counts(normalize=True).sort_index()
    means = frame.groupby(["arm", "country"])["spend"].mean().unstack()
    by_hand = ((means.loc["treatment"] - means.loc["control"]) * weights).sum()
    assert row["absolute"]["estimate"] == pytest.approx(by_hand, rel=1e-8)
    assert row["absolute"]["lower"] == pytest.approx(expected.absolute(0.95).lower, rel=1e-8)
    plain = row_of(units(), frame)
    assert (plain["method"], row["method"]) == ("welch", "post_stratified")
    whole = estimate_means(*([reduce(add, arm)] for arm in by_country), adjusted=False)
    variances = [pair.contrast.difference_variance for pair in (expected, whole)]
    assert row["variance_reduction"] == pytest.approx(1 - variances[0] / variances[1], rel=1e-7)
    width = [each["absolute"]["upper"] - each["absolute"]["lower"] for each in (plain, row)]
    assert width[1] < width[0]


def test_units_that_miss_several_covariates_at_once_lose_none_of_them(frame):
    new = frame["id"] % 7 == 0
    holed = frame.assign(
        before=frame["before"].fillna(0.0).mask(new), visits=frame["visits"].mask(new)
    )
    row = row_of(units(covariates=["before", "visits"]), holed)
    assert row["warnings"] == ["covariate_missing"]
    arms = [holed[holed["arm"] == name] for name in ("control", "treatment")]
    expected = compare_means(
        *(arm["spend"] for arm in arms),
        covariates=tuple(arm[["before", "visits"]].to_numpy() for arm in arms),
    )
    assert row["absolute"]["lower"] == pytest.approx(expected.absolute.lower, rel=1e-7)


def test_arms_that_miss_nothing_have_no_warning_for_another_arm_that_does(frame):
    third = frame["id"] % 3 == 0
    holed = frame.assign(
        arm=frame["arm"].mask(third, "other"),
        before=frame["before"].fillna(5.0).mask(third & (frame["id"] < 12)),
    )
    spec = units(covariates=["before"])
    spec["variants"] = {
        "control": "control",
        "treatments": ["treatment", "other"],
        "allocation": {"control": 0.4, "treatment": 0.27, "other": 0.33},
    }
    effects = abtest.load(spec, data=holed).analyze().to_dict()["effects"]
    assert {row["variant"]: row["warnings"] for row in effects} == {
        "treatment": [],
        "other": ["covariate_missing"],
    }


def log():
    """Users, some of whom were active before their exposure, with purchases that depend on it."""
    rng = np.random.default_rng(4)
    users = 800
    exposed = pd.Timestamp("2026-01-10", tz="UTC") + pd.to_timedelta(rng.integers(0, 5, users), "D")
    habit = rng.gamma(1.0, 2.0, users)
    rows = []
    for user in range(users):
        for name, rate in (("visit", 2.0), ("buy", 0.4)):
            for sign in (-1, 1):
                count = rng.poisson(rate * habit[user])
                moments = exposed[user] + sign * pd.to_timedelta(
                    rng.random(count) * 6.9 + 0.01, "D"
                )
                rows += [(f"u{user}", moment, name) for moment in moments]
    exposures = pd.DataFrame(
        {
            "user": [f"u{user}" for user in range(users)],
            "arm": rng.choice(["control", "treatment"], users),
            "at": exposed,
        }
    )
    return {
        "exposures": exposures,
        "events": pd.DataFrame(rows, columns=["user", "at", "name"]),
    }


def events(**metric):
    def count(event, role, **more):
        return {
            "id": event,
            "kind": "mean",
            "event": event,
            "aggregate": "count",
            "window_days": [0, 7],
            "direction": "increase",
            "role": role,
            **more,
        }

    return {
        "experiment": {
            "name": "demo",
            "start": datetime(2026, 1, 10, tzinfo=UTC),
            "end": datetime(2026, 1, 20, tzinfo=UTC),
        },
        "variants": {"control": "control", "treatments": ["treatment"]},
        "data": {
            "kind": "events",
            "exposures": {"unit": "user", "variant": "arm", "time": "at"},
            "events": {"unit": "user", "time": "at", "name": "name"},
        },
        "metrics": [count("buy", "primary", mde=0.05, **metric), count("visit", "secondary")],
    }


def test_on_an_event_log_other_metrics_before_exposure_are_covariates_too():
    data = log()
    alone = row_of(events(), data, "buy")
    beside = row_of(events(covariates=["visit"]), data, "buy")
    shown = data["exposures"].set_index("user")
    joined = data["events"].join(shown.rename(columns={"at": "exposed"}), on="user")
    age = joined["at"] - joined["exposed"]
    week = pd.Timedelta(days=7)
    counts = {
        (name, when): joined[inside & (joined["name"] == name)].groupby("user").size()
        for name in ("buy", "visit")
        for when, inside in (
            ("after", (age >= pd.Timedelta(0)) & (age < week)),
            ("before", (age < pd.Timedelta(0)) & (age >= -week)),
        )
    }
    table = pd.DataFrame(counts).reindex(shown.index).fillna(0.0)
    arms = [table[shown["arm"] == name] for name in ("control", "treatment")]
    expected = compare_means(
        *(arm["buy", "after"] for arm in arms),
        covariates=tuple(arm[[("buy", "before"), ("visit", "before")]].to_numpy() for arm in arms),
    )
    assert beside["absolute"]["lower"] == pytest.approx(expected.absolute.lower, rel=1e-7)
    assert beside["variance_reduction"] > alone["variance_reduction"]


def test_a_stratum_with_one_unit_in_an_arm_is_named_and_loses_nobody(frame):
    lone = frame.copy()
    lone.loc[0, ["country", "arm"]] = ["XX", "control"]
    row = row_of(units(strata=["country"]), lone)
    assert row["warnings"] == ["strata_merged"]
    assert row["n_control"] + row["n_treatment"] == N


def test_a_stratum_of_one_arm_alone_is_no_chance_and_gives_no_number(frame):
    """Joined with the next stratum, its units would be compared with units of another country."""
    lone = frame.copy()
    lone.loc[:40, ["country", "arm"]] = ["XX", "control"]
    analysis = abtest.load(units(strata=["country"]), data=lone).analyze()
    (row,) = [row for row in analysis.to_dict()["effects"] if not row["segment"]]
    assert (row["status"], row["reason"]) == ("not_computed", "strata_unbalanced")
    assert "a stratum is almost empty in one arm" in analysis.show.effects().text
    assert row_of(units(), lone)["status"] == "ok"


def test_a_split_that_differs_by_stratum_is_said_in_the_row(frame):
    shifted = frame.copy()
    half = (shifted["country"] == "IR") & (shifted["id"] % 2 == 0)
    shifted.loc[half, "arm"] = "treatment"
    row = row_of(units(strata=["country"]), shifted)
    assert row["status"] == "ok"
    assert row["warnings"] == ["strata_unbalanced", "untrustworthy"]  # the sample ratio fails too


def test_strata_and_covariates_save_together_what_the_row_says(frame):
    alone = row_of(units(strata=["country"]), frame)
    both = row_of(units(strata=["country"], covariates=["before", "visits"]), frame)
    assert both["method"] == "post_stratified_cuped"
    assert both["warnings"] == ["covariate_missing"]
    assert both["variance_reduction"] > alone["variance_reduction"] + 0.1
    width = [row["absolute"]["upper"] - row["absolute"]["lower"] for row in (alone, both)]
    left = [1.0 - row["variance_reduction"] for row in (alone, both)]
    assert left[1] / left[0] == pytest.approx((width[1] / width[0]) ** 2, rel=0.01)


def test_what_is_adjusted_for_is_said_wherever_the_file_has_it_from(frame):
    own, shared = units(covariates=["before", "visits"]), units()
    shared["data"]["covariates"] = ["before", "visits"]
    for spec in (own, shared):
        text = abtest.load(spec, data=frame).analyze().show.definitions().text
        assert "adjusted for before and visits; CUPED took" in text
    assert "adjusted for" not in abtest.load(units(), data=frame).analyze().show.definitions().text


def test_a_single_stratum_is_no_comparison_within_strata(frame):
    one = frame.assign(country="DE")
    row = row_of(units(strata=["country"]), one)
    assert (row["method"], row["variance_reduction"]) == ("welch", None)
    assert row == row_of(units(), one)


def test_rare_events_within_strata_say_no_saving(frame):
    """Without strata they are judged by their score: there is no variance to compare with."""
    rare = frame.assign(spend=(frame["id"] % 400 == 0).astype(float))
    spec = units(kind="proportion", strata=["country"])
    row = row_of(spec, rare)
    assert (row["method"], row["variance_reduction"]) == ("post_stratified", None)
    assert row["warnings"] == ["few_events"]


def test_a_covariate_that_one_arm_misses_more_often_is_not_used(frame):
    lost = (frame["arm"] == "treatment") & (frame["before"] > 15.0)
    holed = frame.assign(before=frame["before"].fillna(5.0).mask(lost))
    row, plain = row_of(units(covariates=["before"]), holed), row_of(units(), holed)
    assert row["warnings"] == ["covariate_missing_differs"]
    assert (row["method"], row["absolute"]) == ("welch", plain["absolute"])
    both = row_of(units(covariates=["before", "visits"]), holed)
    one = row_of(units(covariates=["visits"]), holed)
    assert both["warnings"] == ["covariate_missing_differs"]
    assert both["absolute"]["lower"] == pytest.approx(one["absolute"]["lower"], rel=1e-9)
    strata = row_of(units(covariates=["before"], strata=["country"]), holed)
    assert strata["method"] == "post_stratified"
    assert "covariate_missing_differs" in strata["warnings"]
    assert any("missing more often in one arm" in note for note in warning_words(row))


def test_a_segment_that_misses_no_covariate_has_no_warning_of_another_that_does(frame):
    holed = frame.assign(before=frame["before"].fillna(5.0).mask(frame["country"] == "NL"))
    spec = units(covariates=["before", "visits"]) | {"analysis": {"segments": ["country"]}}
    effects = abtest.load(spec, data=holed).analyze().to_dict()["effects"]
    warnings = {(row["segment"] or {}).get("value"): row["warnings"] for row in effects}
    assert warnings[None] == ["covariate_missing"]
    assert warnings["DE"] == warnings["IR"] == []


def test_the_difference_between_segments_is_a_test_of_its_own():
    rng = np.random.default_rng(31)
    arm = rng.choice(["control", "treatment"], N)
    plan = rng.choice(["free", "paid"], N)
    lift = np.where((arm == "treatment") & (plan == "paid"), 1.0, 0.0)
    frame = pd.DataFrame(
        {
            "id": np.arange(N),
            "arm": arm,
            "plan": plan,
            "country": rng.choice(["DE", "IR", "NL"], N),
            "spend": rng.normal(10.0, 2.0, N) + lift,
        }
    )
    spec = units() | {"analysis": {"segments": ["plan", "country"]}}
    spec["variants"] = {"control": "control", "treatments": ["treatment"]}
    analysis = abtest.load(spec, data=frame).analyze()
    by_column = {row["column"]: row for row in analysis.to_dict()["segment_differences"]}
    plan_row, country_row = by_column["plan"], by_column["country"]
    pairs = {}
    for value, part in frame.groupby("plan"):
        arms = [
            Moments.from_columns([part.loc[part["arm"] == name, "spend"]])
            for name in ("control", "treatment")
        ]
        pairs[value] = estimate_means([arms[0]], [arms[1]], adjusted=False)
    expected = heterogeneity(pairs)
    assert plan_row["p_value"] == pytest.approx(expected.p_value, rel=1e-8)
    assert plan_row["p_adjusted"] == pytest.approx(2 * expected.p_value, rel=1e-8)
    assert country_row["p_adjusted"] == country_row["p_value"] > 0.05
    text = analysis.show.segments().text
    assert "Does the effect differ by plan?" in text
    assert text.count("it differs") == text.count("not shown to differ") == 1
