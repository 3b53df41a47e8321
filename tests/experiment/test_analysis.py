"""From frames to a verdict: the public way in, and what an analyst gets in the hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.errors import UsageError
from abtest.experiment.document import VerdictDocument
from abtest.experiment.run_file import run_file
from abtest.stats import compare_ordered_means

N = 4_000


def spec(**changes):
    values = {
        "experiment": {"name": "demo", "title": "Demo <script>alert(1)</script> {{ $x }} سلام 🎉"},
        "variants": {"control": "control", "treatments": ["treatment"]},
        "data": {"kind": "units", "unit": "id", "variant": "arm"},
        "analysis": {"segments": ["platform"]},
        "metrics": [
            {
                "id": "bought",
                "kind": "proportion",
                "value": "bought",
                "role": "primary",
                "direction": "increase",
                "mde": 0.05,
            },
            {
                "id": "minutes",
                "kind": "mean",
                "value": "minutes",
                "role": "guardrail",
                "direction": "increase",
                "margin": 0.1,
            },
        ],
    }
    for key, change in changes.items():
        values[key] = change
    return values


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(7)
    arm = np.where(np.arange(N) % 2 == 0, "control", "treatment")
    treated = arm == "treatment"
    return pd.DataFrame(
        {
            "id": np.arange(N),
            "arm": arm,
            "platform": np.where(random.random(N) < 0.5, "ios", "android"),
            "bought": random.random(N) < np.where(treated, 0.35, 0.25),
            "minutes": random.exponential(10, N),
        }
    )


def test_a_clear_gain_within_the_margin_ships(frame):
    analysis = abtest.load(spec(), data=frame).analyze()
    assert analysis.verdict.decision == "ship"
    assert analysis.verdict.recommended_variant == "treatment"
    assert "bought rose by" in analysis.verdict.headline
    VerdictDocument.model_validate_json(json.dumps(analysis.to_dict()))


def test_effects_are_a_tidy_frame_with_a_row_per_metric_arm_and_segment(frame):
    effects = abtest.load(spec(), data=frame).analyze().effects
    whole = effects[effects["segment_column"].isna()]
    assert list(whole["metric"]) == ["bought", "minutes"]
    assert set(effects["segment_value"].dropna()) == {"ios", "android"}
    assert len(effects) == 2 + 2 * 2
    # the same difference, by pandas
    rates = frame.groupby("arm")["bought"].mean()
    expected = rates["treatment"] - rates["control"]
    assert whole["absolute_estimate"].iloc[0] == pytest.approx(expected, rel=1e-8)


def test_segment_rows_never_decide_and_small_segments_are_not_shown(frame):
    few = frame.assign(platform=np.where(np.arange(N) < 20, "tv", frame["platform"]))
    effects = abtest.load(spec(), data=few).analyze().to_dict()["effects"]
    segments = [row for row in effects if row["segment"]]
    assert {row["segment"]["value"] for row in segments} == {"ios", "android"}
    assert {row["outcome"] for row in segments} == {None}
    assert {row["interval"] for row in segments} == {"individual"}


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (np.full(N, np.nan), "all_null"),
        (np.full(N, 3.0), "constant"),
        (np.where(np.arange(N) == 5, np.inf, 1.0), "infinite_values"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_a_row_and_not_the_end(frame, column, reason):
    document = abtest.load(spec(), data=frame.assign(minutes=column)).analyze().to_dict()
    rows = {row["metric"]: row for row in document["effects"] if not row["segment"]}
    assert rows["bought"]["status"] == "ok"
    assert (rows["minutes"]["status"], rows["minutes"]["reason"]) == ("not_computed", reason)
    assert rows["minutes"]["outcome"] == "unclear"
    assert document["verdict"] == "inconclusive"  # a guardrail nobody could see is not held


def test_a_missing_column_of_one_metric_does_not_stop_the_others(frame):
    document = abtest.load(spec(), data=frame.drop(columns="minutes")).analyze().to_dict()
    rows = {row["metric"]: row for row in document["effects"] if not row["segment"]}
    assert rows["bought"]["status"] == "ok"
    assert rows["minutes"]["reason"] == "missing_column"


def test_the_arms_swapped_turn_the_signs(frame):
    swapped = spec(variants={"control": "treatment", "treatments": ["control"]})
    one = abtest.load(spec(), data=frame).analyze().effects
    other = abtest.load(swapped, data=frame).analyze().effects
    assert np.allclose(one["absolute_estimate"], -other["absolute_estimate"], rtol=1e-8)
    assert np.allclose(one["absolute_lower"], -other["absolute_upper"], rtol=1e-8)
    primary = one["role"] == "primary"
    assert np.allclose(one.loc[primary, "p_value"], other.loc[primary, "p_value"], rtol=1e-7)


def test_the_order_of_the_rows_does_not_matter(frame):
    one = abtest.load(spec(), data=frame).analyze().to_dict()
    other = abtest.load(spec(), data=frame.sample(frac=1, random_state=1)).analyze().to_dict()
    for document in (one, other):
        del document["provenance"]["data_fingerprint"]
    assert one == other


def test_a_run_file_gives_the_same_document_as_the_name(frame, tmp_path):
    root = tmp_path
    folder = root / "experiments" / "demo"
    folder.mkdir(parents=True)
    frame.to_parquet(root / "units.parquet")
    (folder / "experiment.toml").write_text(
        """
[experiment]
name = "demo"
[variants]
control = "control"
treatments = ["treatment"]
[data]
kind = "units"
source = "units.parquet"
unit = "id"
variant = "arm"
[[metrics]]
id = "bought"
kind = "proportion"
value = "bought"
role = "primary"
direction = "increase"
mde = 0.05
""",
        "utf-8",
    )
    experiment = abtest.load("demo", root=root)
    by_name = experiment.analyze()
    path = root / "run.json"
    output = root / "staging"
    path.write_text(json.dumps(run_file(experiment.resolved, as_of=None, output=output)))
    by_run = abtest.open_run("demo", str(path))
    assert by_run.save() == output / "verdict.json"
    assert by_name.save() == root / "reports" / "demo" / "verdict.json"
    assert (output / "verdict.json").read_bytes() == by_name.save().read_bytes()


def test_a_run_file_that_is_not_one_is_refused(tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(abtest.UsageError, match="cannot be read"):
        abtest.open_run("demo", str(path))
    path.write_text('{"schema_version": 99}')
    with pytest.raises(abtest.UsageError, match="another version"):
        abtest.open_run("demo", str(path))


def test_as_of_needs_to_be_a_moment():
    from datetime import UTC, datetime

    from abtest.experiment.analysis import moment_of

    assert moment_of("2026-01-19", "Asia/Tehran").isoformat() == "2026-01-19T00:00:00+03:30"
    assert moment_of(None, "UTC") is None
    assert moment_of(datetime(2026, 1, 1, tzinfo=UTC), "UTC") == datetime(2026, 1, 1, tzinfo=UTC)
    exact = pd.Timestamp("2026-01-01T00:00:00.123456999Z")
    assert moment_of(exact, "UTC").isoformat() == "2026-01-01T00:00:00.123456+00:00"
    with pytest.raises(abtest.UsageError, match="not a date"):
        moment_of("soon", "UTC")
    with pytest.raises(abtest.UsageError, match="no time zone"):
        moment_of(datetime(2026, 1, 1), "UTC")


def test_an_analysis_shows_itself_as_text_html_and_figure(frame):
    from matplotlib.figure import Figure

    analysis = abtest.load(spec(), data=frame).analyze()
    text = str(analysis)
    assert analysis.verdict.headline in text
    bundle, _ = analysis._repr_mimebundle_()
    assert "<script>alert" not in bundle["text/html"]
    for scale in ("relative", "absolute"):
        assert isinstance(analysis.plot.effects(scale), Figure)
    with pytest.raises(abtest.UsageError, match="no such scale"):
        analysis.plot.effects("logarithmic")
    assert [note.label for note in analysis.definitions] == ["Bought", "Minutes"]
    assert set(analysis.checks["check"]) >= {"sample_ratio", "units", "lock"}


def test_events_frames_need_both_tables(frame):
    values = spec(
        data={
            "kind": "events",
            "exposures": {"unit": "id", "variant": "arm", "time": "t"},
            "events": {"unit": "id", "time": "t", "name": "event"},
        },
        experiment={
            "name": "demo",
            "start": pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime(),
            "end": pd.Timestamp("2026-02-01", tz="UTC").to_pydatetime(),
        },
        analysis={},
        metrics=[
            {
                "id": "bought",
                "kind": "proportion",
                "event": "buy",
                "window_days": [0, 7],
                "role": "primary",
                "direction": "increase",
                "mde": 0.1,
            }
        ],
    )
    with pytest.raises(abtest.UsageError, match="two tables"):
        abtest.load(values, data=frame)


def test_two_shipping_arms_that_do_not_vary_are_not_told_apart():
    """There is no error to compare them by; that must not end the analysis."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.poisson(1.0, 300), np.full(600, 5)])
    data = pd.DataFrame({"arm": np.repeat(["a", "b", "c"], 300), "value": values})
    metric = {"id": "m", "kind": "mean", "value": "value"}
    experiment = {
        "experiment": {"name": "demo"},
        "variants": {"control": "a", "treatments": ["b", "c"]},
        "data": {"kind": "units", "variant": "arm"},
        "metrics": [metric | {"role": "primary", "direction": "increase"}],
    }
    verdict = abtest.load(experiment, data=data).analyze().verdict
    assert (verdict.decision, verdict.recommended_variant) == ("ship", "b")
    assert verdict.reasons[-1].code == "recommended_not_distinguishable"


def test_missing_covariates_are_told_where_they_were_used():
    rng = np.random.default_rng(1)
    before = rng.normal(size=400)
    data = pd.DataFrame({"arm": np.repeat(["a", "b"], 200), "before": before})
    data["value"] = before + rng.normal(size=400)
    data.loc[::9, "before"] = np.nan
    metric = {"kind": "mean", "value": "value", "role": "primary", "direction": "increase"}
    experiment = {
        "experiment": {"name": "demo"},
        "variants": {"control": "a", "treatments": ["b"]},
        "data": {"kind": "units", "variant": "arm", "covariates": ["before"]},
        "metrics": [metric | {"id": "with"}, metric | {"id": "without", "cuped": False}],
    }
    rows = abtest.load(experiment, data=data).analyze().to_dict()["effects"]
    assert [row["warnings"] for row in rows] == [["covariate_missing"], []]


def test_samples_of_a_metric_go_into_any_statistic(frame):
    three = frame.assign(arm=np.array(["none", "some", "many"])[np.arange(N) % 3])
    values = spec(
        variants={"control": "none", "treatments": ["some", "many"]},
        data={"kind": "units", "unit": "id", "variant": "arm", "covariates": ["before"]},
    )
    three = three.assign(before=three["minutes"] + np.random.default_rng(1).normal(size=N))
    analysis = abtest.load(values, data=three).analyze()
    arms = analysis.samples("minutes")
    assert list(arms) == ["none", "some", "many"]
    raw = [three.loc[three["arm"] == name, "minutes"].to_numpy() for name in arms]
    got = compare_ordered_means([*arms.values()], doses=[0, 1, 7])
    want = compare_ordered_means(raw, doses=[0, 1, 7])
    assert got.linear.p_value == pytest.approx(want.linear.p_value, rel=1e-9)
    assert got.quadratic.p_value == pytest.approx(want.quadratic.p_value, rel=1e-9)
    with pytest.raises(UsageError, match="minutes") as error:
        analysis.samples("minute")
    assert error.value.code == "unknown_metric"


def test_samples_of_failed_metrics_are_refused(frame):
    values = spec()
    values["metrics"].append(
        {"id": "odd", "kind": "mean", "value": "platform", "role": "secondary",
         "direction": "increase"}
    )  # fmt: skip
    with pytest.raises(UsageError) as error:
        abtest.load(values, data=frame).analyze().samples("odd")
    assert error.value.code == "no_samples"
