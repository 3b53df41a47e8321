"""The verdict as tidy DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def effect_records(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the effects of a verdict as flat records, one per row."""
    return [_flat(effect) for effect in document["effects"]]


def effects_frame(document: Mapping[str, Any]) -> pd.DataFrame:
    """Return the effects of a verdict, one row per metric, arm and segment."""
    import pandas as pd

    return pd.DataFrame.from_records(effect_records(document))


def checks_frame(document: Mapping[str, Any]) -> pd.DataFrame:
    """Return the checks of a verdict, one row per check."""
    import pandas as pd

    columns = ["check", "status", "p_value", "code", "values"]
    return pd.DataFrame.from_records(document["checks"], columns=columns)


def _flat(effect: Mapping[str, Any]) -> dict[str, Any]:
    """Nested parts become prefixed columns; lists and counts become text or sums."""
    segment = effect["segment"] or {}
    window = effect["window_days"] or [None, None]
    flat: dict[str, Any] = {}
    for key, value in effect.items():
        if key == "segment":
            flat["segment_column"] = segment.get("column")
            flat["segment_value"] = segment.get("value")
        elif key == "window_days":
            flat["window_start"], flat["window_end"] = window
        elif key in ("absolute", "relative"):
            flat |= {f"{key}_{part}": number for part, number in value.items()}
        elif key == "excluded":
            by_arm = [counts for counts in value.values() if isinstance(counts, Mapping)]
            flat["excluded"] = sum(sum(counts.values()) for counts in by_arm)
        elif key == "warnings":
            flat["warnings"] = " ".join(value)
        else:
            flat[key] = value
    return flat
