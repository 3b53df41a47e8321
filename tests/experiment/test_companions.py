"""What stands beside winsorised and conditional metrics in a verdict."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.errors import SpecError
from abtest.experiment.resolve import resolve

from .spec_files import EVENTS, TOTALS, changed, put

BIG = """
[[metrics]]
id = "spend"
title = "Spend"
kind = "mean"
event = "paid"
aggregate = "sum"
window_days = [0, 7]
winsorize = 0.99
direction = "increase"
role = "primary"
mde = 0.05
"""


def spec_of(tmp_path, text):
    put(tmp_path, text, "checklist")
    return resolve("checklist", root=tmp_path).spec


VALUED = changed(EVENTS, 'name = "event"\n', 'name = "event"\nvalue = "amount"\n')


def test_a_winsorised_metric_brings_itself_as_it_is(tmp_path):
    *_, capped, plain = spec_of(tmp_path, VALUED + BIG).metrics
    assert (plain.id, plain.role, plain.label) == (
        "spend_uncapped",
        "diagnostic",
        "Spend, as it is",
    )
    assert plain.winsorize is None
    assert plain.mde is None
    assert capped.meaning.endswith(
        "above their 0.99 quantile over all arms count as that quantile."
    )
    assert capped.definition() == plain.meaning


def test_what_is_wrong_with_both_is_said_once_where_it_stands(tmp_path):
    text = VALUED + BIG.replace("[0, 7]", "[7, 2]")
    with pytest.raises(SpecError) as caught:
        spec_of(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.key.endswith("].window_days")
    assert text.splitlines()[problem.line - 1] == "window_days = [7, 2]"


def test_shares_of_units_are_above_one_half_and_below_one(tmp_path):
    for share in ("0.5", "1", "99"):
        with pytest.raises(SpecError, match="winsorize"):
            spec_of(tmp_path, VALUED + BIG.replace("0.99", share))


def test_totals_have_nothing_to_winsorise(tmp_path):
    mean = (
        '\n[[metrics]]\nid = "m"\nkind = "mean"\nn = "Clicks"\nsum = "R"\nsum_squares = "R2"\n'
        'winsorize = 0.9\ndirection = "increase"\nrole = "secondary"\n'
    )
    put(tmp_path, TOTALS + mean, "screener")
    with pytest.raises(SpecError) as caught:
        resolve("screener", root=tmp_path)
    assert any("totals have no values of units" in one.what for one in caught.value.problems)


@pytest.fixture(scope="module")
def analysis():
    """An experiment in which one unit spent all there is, and those who paid are a group."""
    rng = np.random.default_rng(3)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    shown, log = [], []
    for number in range(600):
        zero = pd.Timestamp(start) + pd.Timedelta(hours=int(rng.integers(0, 28 * 24)))
        arm = "checklist" if number % 2 else "control"
        shown.append((f"u{number}", arm, zero))
        log.append((f"u{number}", zero + pd.Timedelta(hours=1), "seen", np.nan))
        if rng.random() < 0.4 + 0.2 * (arm == "checklist"):
            amount = 1e6 if number == 1 else float(rng.integers(5, 50))
            log.append((f"u{number}", zero + pd.Timedelta(days=2), "paid", amount))
    log.append(("u1", shown[1][2] + pd.Timedelta(days=1), "paid", 1e6))
    group = {"event": "paid", "window_days": [0, 7]}
    common = {"event": "paid", "window_days": [0, 7], "direction": "increase"}
    spec = {
        "experiment": {"name": "paying", "start": start, "end": datetime(2026, 2, 2, tzinfo=UTC)},
        "variants": {"control": "control", "treatments": ["checklist"]},
        "data": {
            "kind": "events",
            "exposures": {"unit": "unit", "variant": "arm", "time": "time"},
            "events": {"unit": "unit", "time": "time", "name": "name", "value": "amount"},
        },
        "metrics": [
            {"id": "pays", "kind": "proportion", "role": "primary", "mde": 0.1, **common},
            {"id": "spend", "kind": "mean", "aggregate": "sum", "role": "secondary",
             "winsorize": 0.99, "among": group, **common},
        ],
    }  # fmt: skip
    frames = {
        "exposures": pd.DataFrame(shown, columns=["unit", "arm", "time"]),
        "events": pd.DataFrame(log, columns=["unit", "time", "name", "amount"]),
    }
    return abtest.load(spec, data=frames).analyze(as_of=datetime(2026, 3, 1, tzinfo=UTC))


def test_the_verdict_has_the_threshold_and_what_stands_beside(analysis):
    effects = analysis.document.model_dump(mode="json")["effects"]
    rows = {row["metric"]: row for row in effects}
    assert set(rows) == {"pays", "spend", "spend_share", "spend_uncapped"}
    cut = rows["spend"]["winsorized"]
    assert 40 <= cut["threshold"] < 50
    assert cut["above"]["checklist"] >= 1
    assert rows["spend"]["treatment_value"] < 50
    assert rows["spend_uncapped"]["treatment_value"] > 5_000
    assert rows["spend_uncapped"]["winsorized"] is None
    share, paid = rows["spend_share"], rows["pays"]
    assert share["absolute"] == paid["absolute"]  # the group of this metric are those who paid
    outside = rows["spend"]["excluded"]["outside"]
    assert outside == {"control": 300 - rows["spend"]["n_control"],
                       "checklist": 300 - rows["spend"]["n_treatment"]}  # fmt: skip


def test_the_report_prints_the_threshold_and_labels_the_condition(analysis):
    text = analysis.show.definitions().text
    assert "count as 4" in text
    assert "units above: control" in text
    assert "Conditional: the treatment may change which, or how many, these are." in text
    assert "Not of the group that the metric is about" in analysis.show.trust().text


SCORE = """
[[metrics]]
id = "happy"
title = "Happiness"
kind = "score"
event = "answer"
window_days = [0, 10]
direction = "increase"
role = "secondary"
"""


def test_a_score_brings_the_share_of_units_that_answered(tmp_path):
    *_, score, share = spec_of(tmp_path, VALUED + SCORE).metrics
    assert score.conditional
    assert score.meaning.endswith("the treatment may change which, or how many, these are.")
    assert (share.id, share.kind, share.event) == ("happy_answered", "proportion", "answer")
    assert share.window_days == (0, 10)
    assert share.role == "diagnostic"


def test_a_score_cannot_decide_alone(tmp_path):
    alone = VALUED[: VALUED.index("[[metrics]]")] + SCORE
    with pytest.raises(SpecError, match="cannot decide alone"):
        spec_of(tmp_path, alone.replace('"secondary"', '"primary"\nmde = 0.5'))
