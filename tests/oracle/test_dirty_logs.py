"""Dirty event logs: the document against a second, plain computation from the raw rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from tests.oracle import rules
from tests.oracle.checks_of_log import checks
from tests.oracle.dirty_logs import DAY, dirty_log, experiment
from tests.oracle.judged import differences, is_complete, judged, same, units_by_arm
from tests.oracle.units_of_log import moment

import abtest

SEEDS = range(11)
SMALL = {"cuped": True, "segments": []}


def compare(spec, data, as_of=None):
    """Differences between the document and the oracle, and the document."""
    given = None if as_of is None else as_of.to_pydatetime()
    document = abtest.load(spec, data=data).analyze(given).to_dict()
    log, rows, outcomes = judged(spec, data, as_of)
    wrong = differences(document, rows)
    units = units_by_arm(log)
    wrong += [("units", v) for v in document["variants"] if v["units"] != units[v["name"]]]
    if pd.Timestamp(document["as_of"]) != log.as_of:
        wrong.append(("as_of", document["as_of"], log.as_of))
    wrong += wrong_checks(spec, data, log, rows, document)
    return wrong + wrong_verdict(spec, log, outcomes, document), document


def wrong_checks(spec, data, log, rows, document):
    found = {c["check"]: (c["status"], c["p_value"]) for c in document["checks"]}
    control, *others = spec["variants"]["control"], *spec["variants"]["treatments"]
    mature = Counter()
    for metric in spec["metrics"]:
        if metric["role"] == "primary":
            for arm in others:
                row = rows[metric["id"], arm, None]
                mature[control] = max(mature[control], row["mature"][control])
                mature[arm] = max(mature[arm], row["mature"][arm])
    wanted = checks(spec, data, log, mature)
    return [
        (name, found.get(name), value)
        for name, value in wanted.items()
        if not all(same(*pair) for pair in zip(found.get(name, (None, None)), value, strict=True))
    ]


def wrong_verdict(spec, log, outcomes, document):
    """What differs in outcomes of rows and arms and in the verdict.

    Checks are compared on their own, so whether one failed is taken from the document. With
    phases and covariates the last digits of intervals are not the oracle's: outcomes are
    taken from the document's rows.
    """
    complete = is_complete(spec, log.as_of)
    failed = any(check["status"] == "fail" for check in document["checks"])
    wrong = [] if document["complete"] == complete else [("complete", document["complete"])]
    arms = []
    for variant in document["variants"][1:]:
        expected = outcomes[variant["name"]]
        rows = {
            e["metric"]: e["outcome"]
            for e in document["effects"]
            if e["variant"] == variant["name"]
            and e["segment"] is None
            and e["role"] in ("primary", "guardrail")
        }
        if failed or not complete:
            expected, arm = dict.fromkeys(rows), None
        else:
            if spec["analysis"]["cuped"] and spec["variants"].get("phases"):
                expected = rows
            arm = rules.arm_outcome(spec["metrics"], expected)
        if rows != expected:
            wrong.append(("outcomes", rows, expected))
        if variant["outcome"] != arm:
            wrong.append(("arm", variant, arm))
        arms.append(arm)
    verdict = rules.verdict(arms, failed=failed, complete=complete)
    if document["verdict"] != verdict:
        wrong.append(("verdict", document["verdict"], verdict))
    return wrong


def test_dirty_logs_are_judged_as_by_hand():
    """And what is compared is not all of one kind."""
    wrong, documents = {}, []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        spec = experiment(rng)
        wrong[seed], document = compare(spec, dirty_log(spec, rng))
        documents.append(document)
    assert not any(wrong.values()), {seed: found for seed, found in wrong.items() if found}
    effects = [effect for document in documents for effect in document["effects"]]
    seen = {e["outcome"] for e in effects} | {e["method"] for e in effects}
    seen |= {e["relative"]["status"] for e in effects} | {d["verdict"] for d in documents}
    wanted = {"within_margin", "harmed", "excluded", "unclear", "miettinen_nurminen"}
    wanted |= {"welch", "delta", "welch_cuped", "delta_cuped", "two_rays", "unbounded", "bounded"}
    assert wanted | {"invalid", "inconclusive", "do_not_ship"} <= seen


@pytest.mark.parametrize("seed", range(100, 103))
def test_a_dirty_log_at_any_moment_is_judged_as_by_hand(seed):
    """In the middle of enrolment, at an edge of somebody's window, at a local midnight."""
    rng = np.random.default_rng(seed)
    spec = experiment(rng)
    spec["analysis"] |= SMALL
    data = dirty_log(spec, rng)
    first = data["exposures"]["at"].dropna().sort_values().iloc[60]
    start = moment(spec["experiment"]["start"], None)
    midnight = (start + 12 * DAY).tz_convert(spec["experiment"]["timezone"]).normalize()
    for as_of in (first + 7 * DAY, first + 1 * DAY, midnight.tz_convert("UTC")):
        wrong, document = compare(spec, data, as_of)
        assert not wrong
        assert document["verdict"] in ("keep_running", "invalid")
