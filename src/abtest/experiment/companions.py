"""Metrics that come with others: shares of conditional ones, winsorised ones as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abtest.experiment.merge import Merged
from abtest.experiment.spec import title_of

SHARE, DENOMINATOR, UNCAPPED = "_share", "_denominator", "_uncapped"
ANSWERED = "_answered"
_OF_UNITS = frozenset({"all", "steps", "at_least", "at_most"})
"""Keys of an activity that is 1 for some units and 0 for the others."""
_ROLE = ("role", "mde", "margin", "margin_absolute", "weight", "winsorize", "use", "description")


def add_companions(merged: Merged) -> None:
    """Add metrics that stand beside others.

    A metric about units that the treatment may choose brings the share of these units, a score the
    share of units that answered, a winsorised one itself with its values as they are. They are
    reported and do not decide; where the experiment has a metric of that id, nothing is added.
    """
    metrics = merged.data.get("metrics")
    if not isinstance(metrics, list):
        return
    known = {metric.get("id") for metric in metrics if isinstance(metric, Mapping)}
    for position, metric in enumerate(list(metrics)):
        if not isinstance(metric, Mapping):
            continue
        beside = (
            ("among", _share_of(metric)),
            ("denominator", _denominator(metric)),
            ("winsorize", _uncapped(metric)),
            ("event", _answered(metric)),
        )
        for key, companion in beside:
            if companion is None or companion["id"] in known:
                continue
            place = merged.place(("metrics", position, key))
            assert place is not None  # it stands in some document
            merged.sources["metrics", len(metrics)] = place
            for name in companion.keys() & metric.keys():
                if companion[name] is metric[name]:  # what is wrong with it is wrong there
                    shared = merged.place(("metrics", position, name))
                    assert shared is not None
                    merged.sources["metrics", len(metrics), name] = shared
            metrics.append(companion)


def _share_of(metric: Mapping[str, Any]) -> dict[str, Any] | None:
    among = metric.get("among")
    if not isinstance(among, Mapping) or not isinstance(metric.get("id"), str):
        return None
    window = among.get("window_days")
    if not (isinstance(window, (list, tuple)) and len(window) == 2 and _is_after(window[1])):
        return None
    title = metric.get("title") or title_of(metric["id"])
    return {
        "id": f"{metric['id']}{SHARE}",
        "title": f"{title}: units it is about",
        "description": "Share of units in the group that the metric is about, which the "
        "treatment may change.",
        "kind": "proportion",
        "all": [among],
        "window_days": window,
        "direction": "increase",
        "role": "diagnostic",
        **({"window": metric["window"]} if "window" in metric else {}),
    }


def _denominator(metric: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the mean, or share, of what a conditional ratio is divided by."""
    given, name = metric.get("denominator"), metric.get("id")
    if not isinstance(given, Mapping) or not isinstance(name, str):
        return None
    of_units = given.get("aggregate") == "any" or not _OF_UNITS.isdisjoint(given)
    if not of_units and metric.get("conditional_on_denominator") is not True:
        return None
    kind = {"kind": "proportion", "all": [given]} if of_units else {"kind": "mean", **given}
    if not of_units:
        kind.setdefault("aggregate", "count")
    return {
        "id": f"{name}{SHARE if of_units else DENOMINATOR}",
        "title": f"{metric.get('title') or title_of(name)}: what it is divided by",
        "description": "Denominator of a ratio, which the treatment may change.",
        "window_days": metric.get("window_days"),
        **kind,
        "direction": "increase",
        "role": "diagnostic",
    }


def _uncapped(metric: Mapping[str, Any]) -> dict[str, Any] | None:
    name = metric.get("id")
    if not isinstance(metric.get("winsorize"), (int, float)) or not isinstance(name, str):
        return None
    return {
        **{key: value for key, value in metric.items() if key not in _ROLE},
        "id": f"{name}{UNCAPPED}",
        "title": f"{metric.get('title') or title_of(name)}, as it is",
        "description": "The same with values as they are, however large.",
        "role": "diagnostic",
    }


def _answered(metric: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the share of units that answered, which the treatment may change."""
    name = metric.get("id")
    if metric.get("kind") != "score" or "event" not in metric or not isinstance(name, str):
        return None
    kept = ("event", "ignore", "window_days", "window", "among")
    return {
        **{key: metric[key] for key in kept if key in metric},
        "id": f"{name}{ANSWERED}",
        "title": f"{metric.get('title') or title_of(name)}: units that answered",
        "description": "Share of units with an answer, which the treatment may change.",
        "kind": "proportion",
        "direction": "increase",
        "role": "diagnostic",
    }


def _is_after(end: object) -> bool:
    return isinstance(end, (int, float)) and not isinstance(end, bool) and end > 0
