"""Metrics that come with others: the share of units that a conditional one is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abtest.experiment.merge import Merged
from abtest.experiment.spec import title_of

SHARE = "_share"


def add_companions(merged: Merged) -> None:
    """Add to every metric about units that the treatment may choose the share of these units.

    It is reported and does not decide; where the experiment has a metric of that id, nothing is
    added.
    """
    metrics = merged.data.get("metrics")
    if not isinstance(metrics, list):
        return
    known = {metric.get("id") for metric in metrics if isinstance(metric, Mapping)}
    for position, metric in enumerate(list(metrics)):
        companion = _share_of(metric) if isinstance(metric, Mapping) else None
        if companion is None or companion["id"] in known:
            continue
        place = merged.place(("metrics", position, "among"))
        assert place is not None  # it stands in some document
        merged.sources["metrics", len(metrics)] = place
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


def _is_after(end: object) -> bool:
    return isinstance(end, (int, float)) and not isinstance(end, bool) and end > 0
