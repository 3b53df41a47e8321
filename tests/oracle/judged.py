"""What an experiment's document must say, from its log, and how the two are compared."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial

from tests.oracle import estimates, rules
from tests.oracle.units_of_log import DAY, moment, read_log, values_of_log

ESTIMATE = {
    ("mean", False): estimates.means,
    ("proportion", False): estimates.proportions,
    ("ratio", False): estimates.ratios,
    ("mean", True): estimates.adjusted_means,
    ("proportion", True): partial(estimates.proportions, otherwise=estimates.adjusted_means),
    ("ratio", True): estimates.adjusted_ratios,
}
SMALLEST_SEGMENT = 30


def judged(spec, data, as_of=None, adjusted=None):
    """Expected rows by (metric, variant, segment), outcomes of arms, units and verdict."""
    log = read_log(spec, data, as_of)
    alpha = spec["analysis"].get("alpha", 0.05)
    treatments = spec["variants"]["treatments"]
    share = rules.shares(spec["metrics"], len(treatments), alpha)
    rows, outcomes = {}, {arm: {} for arm in treatments}
    for given in spec["metrics"]:
        metric = {"adjusted": given.get("cuped", spec["analysis"]["cuped"]), **given}
        people, excluded = values_of_log(spec, log, metric)
        for arm in treatments:
            for segment in segments(spec, log):
                level = share.get(metric["id"], alpha) if segment is None else alpha
                row, effect = expected_row(spec, metric, people, excluded, arm, segment, level)
                rows[metric["id"], arm, segment] = row
                if segment is None and metric["role"] in ("primary", "guardrail"):
                    outcomes[arm][metric["id"]] = rules.outcome(metric, effect, level)
    return log, rows, outcomes


def segments(spec, log):
    """None for everyone, then each (column, value) that is big enough to show."""
    found = [None]
    for column in spec["analysis"].get("segments", []):
        units = Counter(p.attributes.get(column) or "" for p in log.people if not p.crossed)
        found += [(column, value) for value in units if units[value] >= SMALLEST_SEGMENT]
    return found


def expected_row(spec, metric, people, excluded, arm, segment, alpha):
    control = spec["variants"]["control"]
    phases = len(spec["variants"].get("phases", [])) + 1

    def group(name):
        return [
            [
                values
                for person, values in people
                if person.variant == name
                and person.phase == phase
                and (segment is None or (person.attributes.get(segment[0]) or "") == segment[1])
            ]
            for phase in range(phases)
        ]

    c, t = group(control), group(arm)
    row = {"n_control": sum(map(len, c)), "n_treatment": sum(map(len, t)), "alpha": alpha}
    mature = {control: row["n_control"], arm: row["n_treatment"]}
    if segment is None:
        row["excluded"] = {
            reason: {name: counts[name] for name in (control, arm)}
            for reason, counts in excluded.items()
            if counts[control] or counts[arm]
        }
    try:
        effect = ESTIMATE[metric["kind"], metric["adjusted"]](c, t)
    except estimates.NoEstimateError as reason:
        return row | {"status": "not_computed", "reason": str(reason), "mature": mature}, None
    used = [(x, y) for x, y in zip(c, t, strict=True) if min(len(x), len(y)) >= 2]
    row["n_control"], row["n_treatment"] = (sum(map(len, arm)) for arm in zip(*used, strict=True))
    row |= numbers(metric, effect, alpha) | {"mature": mature}
    if metric["adjusted"] and phases > 1:
        loosen(row)
    return row, effect


def loosen(row):
    """Keep estimates only: intervals of adjusted phases agree up to terms of order 1 / n."""
    del row["p_value"]
    row["absolute"] = {"estimate": row["absolute"]["estimate"]}
    row["relative"] = {"estimate": row["relative"]["estimate"]}


def numbers(metric, effect, alpha):
    lower, upper = effect.absolute(alpha)
    status, low, high = effect.relative(alpha)
    control, treatment = effect.control, effect.treatment
    return {
        "status": "ok",
        "control_value": control,
        "treatment_value": treatment,
        "absolute": {"estimate": treatment - control, "lower": lower, "upper": upper},
        "relative": {
            "estimate": (treatment - control) / abs(control) if control else None,
            "lower": low,
            "upper": high,
            "status": status,
        },
        "p_value": rules.p_value(metric, effect),
    }


def same(found, expected, rtol=2e-7, atol=1e-9):
    """Whether two values of documents agree: numbers nearly, everything else exactly."""
    if isinstance(expected, dict):
        return all(same(found.get(key), value, rtol, atol) for key, value in expected.items())
    if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
        return math.isclose(found, expected, rel_tol=rtol, abs_tol=atol)
    return found == expected


def differences(document, rows, keys=None):
    """(key of row, field, found, expected) of everything in ``rows`` that the document lacks."""
    found = {}
    for effect in document["effects"]:
        segment = effect["segment"] and (effect["segment"]["column"], effect["segment"]["value"])
        found[effect["metric"], effect["variant"], segment] = effect
    wrong = []
    for key, row in rows.items():
        if key not in found:
            wrong.append((key, "row", None, row))
            continue
        for name, value in row.items():
            if name != "mature" and not same(found[key][name], value):
                wrong.append((key, name, found[key][name], value))
    wrong += [(key, "row", found[key], None) for key in found.keys() - rows.keys()]
    return wrong


def is_complete(spec, as_of):
    deciding = [m for m in spec["metrics"] if m["role"] in ("primary", "guardrail")]
    last = max(metric["window_days"][1] for metric in deciding)
    zone = spec["experiment"].get("timezone", "UTC")
    return as_of >= moment(spec["experiment"]["end"], zone) + last * DAY


def units_by_arm(log):
    return Counter(person.variant for person in log.people)
