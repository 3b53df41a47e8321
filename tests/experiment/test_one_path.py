"""One log with everything in one file: what the verdict says is what `abtest.stats` says of it.

Values per unit are made by hand with pandas; the statistics are calls of public functions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.stats import (
    Moments,
    adjust,
    alpha_shares,
    compare_means,
    compare_stratified_means,
    estimate_means,
    estimate_proportions,
    estimate_ratios,
    heterogeneity,
    non_inferiority,
    sample_ratio,
)

ARMS = ("control", "b", "c")
SHARES = ([0.6, 0.2, 0.2], [0.2, 0.4, 0.4])
COUNTRIES = {"DE": 3.0, "IR": 1.0, "NL": 0.4}
LIFT = {"web": 0.0, "ios": 1.2}
"""Purchases per user that arm b gains, by platform: 0.6 over both."""
START = pd.Timestamp("2026-01-05", tz="UTC")
CHANGE = pd.Timestamp("2026-01-09", tz="UTC")
DAY = pd.Timedelta(days=1)
USERS = 2_400


@pytest.fixture(scope="module")
def log():
    """Users who come later buy more; habits and countries matter much more than any arm does."""
    rng = np.random.default_rng(2026)
    at = START + pd.to_timedelta(rng.uniform(0, 8, USERS), "D").round("us")
    phase = (at >= CHANGE).astype(int)
    users = pd.DataFrame(
        {
            "user": [f"u{number}" for number in range(USERS)],
            "country": rng.choice(list(COUNTRIES), USERS, p=[0.5, 0.35, 0.15]),
            "platform": rng.choice(list(LIFT), USERS),
        }
    )
    arm = np.array([rng.choice(ARMS, p=SHARES[here]) for here in phase])
    habit = rng.gamma(2.0, 0.5, USERS)
    level = habit * users["country"].map(COUNTRIES) * (1.0 + phase)
    gain = np.where(arm == "b", users["platform"].map(LIFT), 0.0)
    rates = {
        ("buy", 1): level + gain,
        ("buy", -1): level,
        ("visit", 1): 2.0 * habit,
        ("visit", -1): 2.0 * habit,
        ("share", 1): np.full(USERS, 0.4),
    }
    rows = []
    for (name, sign), rate in rates.items():
        who = np.repeat(np.arange(USERS), rng.poisson(rate))
        moments = at[who] + sign * pd.to_timedelta(rng.uniform(0.01, 6.9, len(who)), "D")
        rows.append(pd.DataFrame({"user": users["user"].to_numpy()[who], "at": moments}))
        rows[-1]["name"] = name
    return {
        "exposures": pd.DataFrame({"user": users["user"], "arm": arm, "at": at}),
        "events": pd.concat(rows, ignore_index=True),
        "units": users,
    }


SPEC = {
    "experiment": {
        "name": "everything",
        "start": datetime(2026, 1, 5, tzinfo=UTC),
        "end": datetime(2026, 1, 13, tzinfo=UTC),
    },
    "variants": {
        "control": "control",
        "treatments": ["b", "c"],
        "allocation": dict(zip(ARMS, SHARES[0], strict=True)),
        "phases": [
            {
                "from": datetime(2026, 1, 9, tzinfo=UTC),
                "allocation": dict(zip(ARMS, SHARES[1], strict=True)),
            }
        ],
    },
    "data": {
        "kind": "events",
        "exposures": {"unit": "user", "variant": "arm", "time": "at"},
        "events": {"unit": "user", "time": "at", "name": "name"},
        "units": {"unit": "user"},
    },
    "analysis": {"segments": ["platform", "country"]},
    "metrics": [
        {
            "id": "buy",
            "kind": "mean",
            "event": "buy",
            "aggregate": "count",
            "role": "primary",
            "mde": 0.05,
            "weight": 3.0,
            "covariates": ["visit"],
            "strata": ["country"],
        },
        {
            "id": "visit",
            "kind": "mean",
            "event": "visit",
            "aggregate": "count",
            "role": "primary",
            "mde": 0.05,
        },
        {
            "id": "shared",
            "kind": "proportion",
            "event": "share",
            "role": "guardrail",
            "margin": 0.3,
            "cuped": False,
            "strata": ["country", "platform"],
        },
        {
            "id": "per_visit",
            "kind": "ratio",
            "numerator": {"event": "buy"},
            "denominator": {"event": "visit"},
            "role": "secondary",
            "strata": ["country"],
        },
    ],
}
for one in SPEC["metrics"]:
    one |= {"window_days": [0, 7], "direction": "increase"}


@pytest.fixture(scope="module")
def analysis(log):
    return abtest.load(SPEC, data=log).analyze()


@pytest.fixture(scope="module")
def rows(analysis):
    return {
        (row["metric"], row["variant"], (row["segment"] or {}).get("value")): row
        for row in analysis.to_dict()["effects"]
    }


@pytest.fixture(scope="module")
def table(log):
    """One row per user: arm, phase, attributes, and what it did in the week after and before."""
    users = log["exposures"].set_index("user").join(log["units"].set_index("user"))
    events = log["events"].join(users["at"].rename("exposed"), on="user")
    age = events["at"] - events["exposed"]
    inside = {"after": (age >= 0 * DAY) & (age < 7 * DAY), "before": (age < 0 * DAY)}
    inside["before"] &= age >= -7 * DAY
    for name, when in product(("buy", "visit", "share"), inside):
        counts = events[inside[when] & (events["name"] == name)].groupby("user").size()
        users[f"{name}_{when}"] = counts.reindex(users.index).fillna(0.0)
    users["shared"] = (users["share_after"] > 0).astype(float)
    users["phase"] = (users["at"] >= CHANGE).astype(int)
    return users


def cells(table, by, *columns):
    """Moments of the columns by arm, for every combination of values of `by`."""
    found = {}
    for arm in ARMS:
        parts = dict(list(table[table["arm"] == arm].groupby(by)[list(columns)]))
        found[arm] = [Moments.from_columns(list(parts[key].to_numpy().T)) for key in sorted(parts)]
    return found


def same_interval(found, expected):
    for name in ("estimate", "lower", "upper"):
        assert found[name] == pytest.approx(getattr(expected, name), rel=1e-7, abs=1e-12)


def same_pair(row, pair):
    """Whether a row says what a pair says, at the level of the row."""
    same_interval(row["absolute"], pair.absolute(row["confidence_level"]))
    same_interval(row["relative"], pair.relative(row["confidence_level"]))
    assert (row["n_control"], row["n_treatment"]) == (pair.n_control, pair.n_treatment)


def test_alpha_is_shared_by_weight_over_primaries_and_arms(rows):
    shares = alpha_shares([3.0, 3.0, 1.0, 1.0], 0.05)
    assert sum(shares) == pytest.approx(0.05)
    wanted = {"buy": shares[0], "visit": shares[2], "shared": 0.05, "per_visit": 0.05}
    for (metric, _, segment), row in rows.items():
        assert row["alpha"] == pytest.approx(0.05 if segment else wanted[metric])
        assert row["confidence_level"] == pytest.approx(1.0 - row["alpha"])
        assert row["interval"] == ("simultaneous" if row["alpha"] < 0.05 else "individual")


@pytest.mark.parametrize("arm", ["b", "c"])
def test_two_covariates_strata_and_phases_are_one_comparison(rows, table, arm):
    row = rows["buy", arm, None]
    arms = [table[table["arm"] == name] for name in ("control", arm)]
    expected = compare_stratified_means(
        *(side["buy_after"] for side in arms),
        strata=tuple((side["phase"].astype(str) + side["country"]).tolist() for side in arms),
        covariates=tuple(side[["buy_before", "visit_before"]].to_numpy() for side in arms),
        confidence_level=row["confidence_level"],
    )
    same_interval(row["absolute"], expected.absolute)
    same_interval(row["relative"], expected.relative)
    assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-6)
    assert row["method"] == expected.method == "post_stratified_cuped"
    assert row["warnings"] == []
    by_phase = cells(table, "phase", "buy_after")
    whole = estimate_means(by_phase["control"], by_phase[arm], adjusted=False).contrast
    error = (expected.absolute.estimate / expected.statistic) ** 2
    saved = 1.0 - error / whole.difference_variance
    assert row["variance_reduction"] == pytest.approx(saved, rel=1e-7)
    assert saved > 0.5


def test_the_truth_is_inside_and_the_verdict_finds_it(analysis, rows):
    truths = {None: 0.6, **LIFT}
    for segment, truth in truths.items():
        row = rows["buy", "b", segment]
        assert row["absolute"]["lower"] < truth < row["absolute"]["upper"]
        row = rows["buy", "c", segment]
        assert row["absolute"]["lower"] < 0.0 < row["absolute"]["upper"]
    assert rows["buy", "b", None]["outcome"] == "improved"
    assert (analysis.verdict.decision, analysis.verdict.recommended_variant) == ("ship", "b")


def test_a_metric_without_strata_is_compared_within_phases(rows, table):
    for arm in ("b", "c"):
        row = rows["visit", arm, None]
        by_phase = cells(table, "phase", "visit_after", "visit_before")
        expected = compare_means(
            by_phase["control"], by_phase[arm], confidence_level=row["confidence_level"]
        )
        same_interval(row["absolute"], expected.absolute)
        same_interval(row["relative"], expected.relative)
        assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-6)
        assert row["method"] == expected.method == "welch_cuped"
        assert row["variance_reduction"] == pytest.approx(expected.variance_reduction, rel=1e-6)


def test_a_margin_is_judged_within_strata_of_two_columns(rows, table):
    by_cell = cells(table, ["phase", "country", "platform"], "shared")
    for arm in ("b", "c"):
        row = rows["shared", arm, None]
        pair = estimate_proportions(by_cell["control"], by_cell[arm], adjusted=False)
        same_pair(row, pair)
        judged = non_inferiority(pair, margin=0.3, alpha=0.025)
        assert row["p_value"] == pytest.approx(judged.p_value, rel=1e-6)
        assert (row["outcome"] == "within_margin") == judged.non_inferior
        assert row["method"] == "post_stratified"
        assert row["variance_reduction"] is not None


def test_a_ratio_is_compared_within_strata_too(rows, table):
    columns = ("buy_after", "visit_after", "buy_before", "visit_before")
    by_cell = cells(table, ["phase", "country"], *columns)
    by_phase = cells(table, "phase", *columns)
    for arm in ("b", "c"):
        row = rows["per_visit", arm, None]
        pair = estimate_ratios(by_cell["control"], by_cell[arm], adjusted=True)
        same_pair(row, pair)
        assert row["p_value"] == pytest.approx(pair.test().p_value, rel=1e-6)
        assert row["method"] == "delta_post_stratified_cuped"
        whole = estimate_ratios(by_phase["control"], by_phase[arm], adjusted=False).contrast
        saved = 1.0 - pair.contrast.difference_variance / whole.difference_variance
        assert row["variance_reduction"] == pytest.approx(saved, rel=1e-6)


def test_segments_are_the_same_comparison_of_fewer_units(rows, table):
    variables = ("buy_after", "buy_before", "visit_before")
    for platform, arm in product(LIFT, ("b", "c")):
        inside = table[table["platform"] == platform]
        by_cell = cells(inside, ["phase", "country"], *variables)
        pair = estimate_means(by_cell["control"], by_cell[arm], adjusted=True)
        same_pair(rows["buy", arm, platform], pair)
        assert rows["buy", arm, platform]["method"] == "post_stratified_cuped"
    for country in COUNTRIES:  # within its own stratum there is one stratum
        by_phase = cells(table[table["country"] == country], "phase", *variables)
        pair = estimate_means(by_phase["control"], by_phase["b"], adjusted=True)
        same_pair(rows["buy", "b", country], pair)
        assert rows["buy", "b", country]["method"] == "welch_cuped"


def test_whether_segments_differ_is_tested_and_corrected_and_shown(analysis, table):
    variables = ("buy_after", "buy_before", "visit_before")
    expected = {}
    for arm, (column, by) in product(
        ("b", "c"), (("platform", ["phase", "country"]), ("country", ["phase"]))
    ):
        pairs = {}
        for value, inside in table.groupby(column):
            by_cell = cells(inside, by, *variables)
            pairs[value] = estimate_means(by_cell["control"], by_cell[arm], adjusted=True)
        expected[arm, column] = heterogeneity(pairs)
    adjusted = adjust([one.p_value for one in expected.values()], method="holm").adjusted
    found = {
        (row["variant"], row["column"]): row
        for row in analysis.to_dict()["segment_differences"]
        if row["metric"] == "buy"
    }
    assert list(found) == list(expected)
    for row, one, p_adjusted in zip(found.values(), expected.values(), adjusted, strict=True):
        assert (row["test"], row["segments"]) == (one.test, len(one.segments))
        assert row["statistic"] == pytest.approx(one.statistic, rel=1e-6)
        assert row["p_value"] == pytest.approx(one.p_value, rel=1e-6)
        assert row["p_adjusted"] == pytest.approx(p_adjusted, rel=1e-6)
        same_interval(row["i_squared"], one.i_squared)
    assert found["b", "platform"]["p_adjusted"] < 0.01
    shown = analysis.show.segments()
    for form in (shown.html, shown.text, shown.markdown):
        assert "Does the effect differ by platform?" in form
        assert "it differs" in form


def test_the_sample_ratio_is_that_of_both_phases(analysis, table):
    observed = [
        [int(((table["phase"] == phase) & (table["arm"] == arm)).sum()) for arm in ARMS]
        for phase in (0, 1)
    ]
    (check,) = [one for one in analysis.to_dict()["checks"] if one["check"] == "sample_ratio"]
    assert check["p_value"] == pytest.approx(sample_ratio(observed, SHARES).p_value, rel=1e-7)


def test_the_report_says_how_each_metric_was_judged_and_what_it_saved(analysis):
    said = " ".join(analysis.show.definitions().text.split())
    assert "Welch within strata, with CUPED" in said
    assert "Delta method within strata, with CUPED" in said
    assert (
        "adjusted for its own value and visit before exposure; compared within each country" in said
    )
    assert "compared within each country and platform; strata took" in said
    foot = analysis.show.provenance().text
    assert "from 9 Jan 2026, 00:00 UTC on: control 0.2, b 0.4, c 0.4" in foot
    assert "arms are compared within each phase" in foot
