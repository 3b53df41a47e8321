"""From estimates to outcomes, arms and the verdict, as the guide says, row by row."""

from __future__ import annotations


def shares(metrics, arms, alpha):
    """Alpha of each superiority primary and arm; everything else uses all of it."""
    tested = [m for m in metrics if m["role"] == "primary" and not is_non_inferiority(m)]
    total = sum(m.get("weight", 1) for m in tested)
    return {m["id"]: alpha * m.get("weight", 1) / total / arms for m in tested}


def is_non_inferiority(metric):
    return "margin" in metric or "margin_absolute" in metric


def outcome(metric, effect, alpha):
    """Outcome of a deciding row from one-sided tests at alpha / 2."""
    if effect is None:
        return "unclear"
    up = metric["direction"] == "increase"
    level = alpha / 2

    def above(ratio=1.0, shift=0.0):
        return (effect.greater if up else effect.less)(ratio, shift) < level

    def below(ratio=1.0, shift=0.0):
        return (effect.less if up else effect.greater)(ratio, shift) < level

    # a loss in per cent of nothing, or of a debt, means nothing: it decides nothing
    relative = effect.control > 0
    found = "harmed" if below() else "unclear"
    if is_non_inferiority(metric):
        if (relative or "margin" not in metric) and above(**bound_of_margin(metric)):
            found = "within_margin"
    elif above():
        found = "improved"
    elif found == "unclear" and metric.get("mde") is not None and relative:
        bound = 1 + metric["mde"] if up else 1 - metric["mde"]
        if below(ratio=bound):
            found = "excluded"
    return found


def bound_of_margin(metric):
    sign = 1 if metric["direction"] == "increase" else -1
    if "margin" in metric:
        return {"ratio": 1 - sign * metric["margin"]}
    return {"shift": -sign * metric["margin_absolute"]}


def p_value(metric, effect):
    if not is_non_inferiority(metric):
        return effect.two_sided()
    test = effect.greater if metric["direction"] == "increase" else effect.less
    return test(**bound_of_margin(metric))


def arm_outcome(metrics, outcomes):
    """Outcome of an arm from {metric id: outcome} of its deciding rows."""
    deciding = [m for m in metrics if m["role"] in ("primary", "guardrail")]
    superiority = [m for m in deciding if not is_non_inferiority(m)]
    found = {m["id"]: outcomes[m["id"]] for m in deciding}
    if "harmed" in found.values():
        return "harmed"
    kept = all(found[m["id"]] == "within_margin" for m in deciding if is_non_inferiority(m))
    gained = any(found[m["id"]] == "improved" for m in superiority)
    if kept and (gained or not superiority):
        return "ships"
    if superiority and all(found[m["id"]] == "excluded" for m in superiority):
        return "no_gain"
    return "open"


def verdict(arms, *, failed, complete):
    """The first line of the table that applies, for ``sequential = "fixed"``."""
    if failed:
        return "invalid"
    if not complete:
        return "keep_running"
    if "ships" in arms:
        return "ship"
    if all(arm in ("harmed", "no_gain") for arm in arms):
        return "do_not_ship"
    return "inconclusive"
