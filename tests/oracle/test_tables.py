"""Units tables and totals: documents against the same formulas on the rows by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.oracle import estimates, rules
from tests.oracle.judged import numbers, same

import abtest

ARMS = ("old", "b", "c")
METRICS = [
    {"id": "spend", "kind": "mean", "value": "spend", "role": "primary", "direction": "increase"},
    {
        "id": "bought",
        "kind": "proportion",
        "value": "bought",
        "role": "primary",
        "direction": "increase",
        "weight": 3.0,
        "mde": 0.3,
    },
    {
        "id": "crashed",
        "kind": "proportion",
        "value": "crashed",
        "role": "guardrail",
        "direction": "decrease",
        "margin_absolute": 0.05,
    },
    {
        "id": "per_visit",
        "kind": "ratio",
        "numerator": "spend",
        "denominator": "visits",
        "role": "guardrail",
        "direction": "increase",
        "margin": 0.5,
    },
]
COLUMNS = {
    "spend": ["spend"],
    "bought": ["bought"],
    "crashed": ["crashed"],
    "per_visit": ["spend", "visits"],
}


def units_table(seed, n=600, gaps=0.04):
    rng = np.random.default_rng(seed)
    before = rng.normal(3, 2, n)
    arm = rng.choice([*ARMS, "robots", None], n, p=[0.3, 0.3, 0.3, 0.06, 0.04])
    frame = pd.DataFrame({"arm": arm, "before": before})
    frame["visits"] = rng.poisson(3, n).astype(float)
    frame["spend"] = before + rng.normal(0, 2, n) + (arm == "b") * 0.6
    frame["bought"] = (rng.random(n) < 0.3 + 0.1 * (arm == "b")).astype(float)
    frame["crashed"] = (rng.random(n) < 0.02).astype(float)
    for column in ("visits", "spend", "bought"):
        frame.loc[rng.random(n) < gaps, column] = np.nan
    return frame


def spec(*, cuped):
    return {
        "experiment": {"name": "table"},
        "variants": {"control": "old", "treatments": ["b", "c"]},
        "data": {
            "kind": "units",
            "variant": "arm",
            "covariates": ["before"],
            "ignore_variants": ["robots", ""],
        },
        "analysis": {"cuped": cuped},
        "metrics": METRICS,
    }


def by_hand(frame, metric, arm, *, cuped, past=("before",)):
    columns = COLUMNS[metric["id"]]
    found = []
    for name in ("old", arm):
        rows = frame[frame["arm"] == name].dropna(subset=columns)
        adjusted = cuped and metric["kind"] != "ratio"
        found.append([rows[[*columns, *past] if adjusted else columns].to_numpy()])
    if metric["kind"] == "ratio":
        return estimates.ratios(*found)
    otherwise = estimates.adjusted_means if cuped else estimates.means
    if metric["kind"] == "proportion":
        return estimates.proportions(*found, otherwise=otherwise)
    return otherwise(*found)


@pytest.mark.parametrize("cuped", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_units_table_with_nulls_is_judged_as_by_hand(seed, cuped):
    frame = units_table(seed)
    document = abtest.load(spec(cuped=cuped), data=frame).analyze().to_dict()
    share = rules.shares(METRICS, 2, 0.05)
    outcomes = {"b": {}, "c": {}}
    for row in document["effects"]:
        metric = next(m for m in METRICS if m["id"] == row["metric"])
        alpha = share.get(metric["id"], 0.05)
        effect = by_hand(frame, metric, row["variant"], cuped=cuped)
        assert same(row, numbers(metric, effect, alpha) | {"alpha": alpha})
        assert row["outcome"] == rules.outcome(metric, effect, alpha)
        outcomes[row["variant"]][metric["id"]] = row["outcome"]
        gone = frame[frame["arm"].isin(["old", row["variant"]])]
        gone = gone[gone[COLUMNS[metric["id"]]].isna().any(axis=1)].groupby("arm").size()
        if len(gone):
            assert row["excluded"] == {"missing": gone.to_dict()}
    arms = [rules.arm_outcome(METRICS, outcomes[arm]) for arm in ("b", "c")]
    assert [v["outcome"] for v in document["variants"]] == [None, *arms]
    assert document["verdict"] == rules.verdict(arms, failed=False, complete=True)


def test_a_missing_covariate_costs_no_unit_and_is_a_covariate_itself():
    """Whatever stands in the gaps, a column that says where they are takes its effect away."""
    frame = units_table(3, n=3000)
    rng = np.random.default_rng(3)
    frame["before"] += 1000.0
    known = frame["before"].copy()
    frame.loc[rng.random(len(frame)) < 0.2, "before"] = np.nan
    document = abtest.load(spec(cuped=True), data=frame).analyze().to_dict()
    row = document["effects"][0]
    counted = frame[frame["arm"].isin(ARMS) & frame["spend"].notna()]
    assert counted["before"].isna().sum() > 100
    filled = frame.assign(before=frame["before"].fillna(0.0), gap=frame["before"].isna() * 1.0)
    effect = by_hand(filled, METRICS[0], row["variant"], cuped=True, past=("before", "gap"))
    assert "covariate_missing" in row["warnings"]
    assert same(row, numbers(METRICS[0], effect, row["alpha"]))
    complete = by_hand(frame.assign(before=known), METRICS[0], row["variant"], cuped=True)
    assert effect.contrast()[1] > complete.contrast()[1]


TOTALS = [
    {
        "id": "signup",
        "kind": "proportion",
        "successes": "signups",
        "trials": "visits",
        "role": "primary",
        "direction": "increase",
    },
    {
        "id": "minutes",
        "kind": "mean",
        "n": "visits",
        "sum": "minutes",
        "sum_squares": "squares",
        "role": "guardrail",
        "direction": "increase",
        "margin": 0.05,
    },
    {
        "id": "wait",
        "kind": "mean",
        "n": "visits",
        "mean": "wait",
        "variance": "wait_variance",
        "role": "guardrail",
        "direction": "decrease",
        "margin_absolute": 0.4,
    },
]


TABLE = {"source": "given as a frame", "variant": "arm"}


@pytest.mark.parametrize("rate", [0.2, 0.004])
def test_totals_by_day_are_judged_as_the_units_they_were_made_from(rate):
    rng = np.random.default_rng(17)
    rows, units = [], {"a": [], "b": []}
    for day in pd.date_range("2026-01-05", periods=6):
        for arm in ("a", "b"):
            n = int(rng.integers(80, 120))
            y = np.c_[rng.random(n) < rate, rng.gamma(2, 3, n), 1e6 + rng.normal(0, 1, n)]
            units[arm].append(y)
            rows.append(
                {
                    "day": str(day.date()),
                    "arm": arm,
                    "visits": n,
                    "signups": int(y[:, 0].sum()),
                    "minutes": y[:, 1].sum(),
                    "squares": (y[:, 1] ** 2).sum(),
                    "wait": y[:, 2].mean(),
                    "wait_variance": y[:, 2].var(ddof=1),
                }
            )
    experiment = {
        "experiment": {"name": "totals"},
        "variants": {"control": "a", "treatments": ["b"]},
        "data": {"kind": "totals", "totals": {**TABLE, "date": {"column": "day"}}},
        "metrics": TOTALS,
    }
    frame = pd.DataFrame(rows).sample(frac=1.0, random_state=1)
    document = abtest.load(experiment, data=frame).analyze().to_dict()
    everyone = {arm: np.vstack(parts) for arm, parts in units.items()}
    for row, metric, column in zip(document["effects"], TOTALS, range(3), strict=True):
        values = [[everyone[arm][:, [column]]] for arm in ("a", "b")]
        kind = estimates.proportions if metric["kind"] == "proportion" else estimates.means
        effect = kind(*values)
        assert same(row, numbers(metric, effect, 0.05), rtol=1e-6)
        assert row["outcome"] == rules.outcome(metric, effect, 0.05)
    assert (document["effects"][0]["method"] == "miettinen_nurminen") == (rate < 0.01)
