"""Pictures of funnels: bars of steps, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.show.arm_curves import Line
from abtest.show.estimate_words import Estimate, level_text, signed
from abtest.show.funnel_bars import MOST_STEPS, FunnelBar, FunnelStep, funnel_bars
from abtest.show.numbers import count, number, percent
from abtest.show.panels import DotPanel, panels
from abtest.show.plot_frame import CONTROL, TREATMENT, Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.funnel import Funnel
    from abtest.show.drawing import Chart

_UNITS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def steps_picture(found: Funnel, arm: str | None) -> Chart:
    """Return the bars of every step; with arms of control and one treatment."""
    if found.differences is None:
        names: tuple[str, ...] = ()
        parts = [_records(found.table)]
        differences: list[dict[str, Any]] = []
    else:
        treatment = chosen_arm(found.differences, arm)
        rows = found.differences[found.differences["arm"] == treatment]
        names = (str(rows["control"].iloc[0]), treatment)
        differences = _records(rows)
        parts = [_records(found.table[found.table["arm"] == name]) for name in names]
    points = found.asked.by != "event"
    steps = [
        FunnelStep(
            str(row["label"]),
            tuple(_bar(part[k]) for part in parts),
            _difference(differences[k], points=points) if differences else None,
        )
        for k, row in enumerate(parts[0])
    ]
    said = _said(found, parts, names, differences)
    after = "After each bar: share, number, and share of the step before."
    if len(steps) > MOST_STEPS:
        after += f" The first {MOST_STEPS} of {len(steps)} steps are drawn; the table has all."
    sentences = (said, after)
    of = f", {in_sentence(names[0])} and {in_sentence(names[1])}" if names else ""
    words = Words(
        heading=found.title,
        said=sentences,
        axis="",
        below="",
        caption=f"{found.title}{of}. {said}",
        alt=f"{found.title}{of}. {said}",
    )
    unit = "Difference, points" if points else "Difference per unit"
    return funnel_bars(words, steps, names, unit if differences else "")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def _bar(row: dict[str, Any]) -> FunnelBar:
    if not np.isfinite(row["share"]):
        return FunnelBar(None, "nothing is known yet")
    text = f"{percent(row['share'], 1)} · {count(row['reached'])}"
    if np.isfinite(row["step_share"]):
        text += f" · {percent(row['step_share'], 0)}"
    return FunnelBar(float(row["share"]), text)


def _difference(row: dict[str, Any], *, points: bool) -> tuple[float, float, float] | None:
    values = [float(row[name]) for name in ("difference", "lower", "upper")]
    if not np.isfinite(values).all():
        return None
    factor = 100.0 if points else 1.0
    return factor * values[0], factor * values[1], factor * values[2]


def _said(
    found: Funnel,
    parts: list[list[dict[str, Any]]],
    names: tuple[str, ...],
    differences: list[dict[str, Any]],
) -> str:
    """Return the last step with its interval."""
    level = level_text(found.confidence_level)
    last = [part[-1] for part in parts]
    label = last[0]["label"]
    if not np.isfinite(last[0]["share"]):
        return "Nothing is known yet: nobody began, or no window has ended."
    if not names:
        row = last[0]
        limits = (
            f" ({level} interval {percent(row['lower'], 1)} to {percent(row['upper'], 1)})"
            if np.isfinite(row["lower"])
            else ""
        )
        return (
            f"{count(row['reached'])} of {count(row['entered'])} reached {label}: "
            f"{percent(row['share'], 1)}{limits}."
        )
    row = differences[-1]
    points = found.asked.by != "event"
    shares = [percent(one["share"], 1) for one in last]
    if row["status"] != "ok":
        return f"{label}: {in_sentence(names[1])} {shares[1]}, {in_sentence(names[0])} {shares[0]}."
    factor = 100.0 if points else 1.0
    estimate = Estimate(*(factor * float(row[name]) for name in ("difference", "lower", "upper")))
    shown = signed(estimate, found.confidence_level, "percentage points" if points else "per unit")
    return (
        f"{label}: {in_sentence(names[1])} {shares[1]}, {in_sentence(names[0])} {shares[0]}, "
        f"difference {shown}."
    )


def times_picture(found: Funnel, step: int) -> Chart:
    """Return the quantiles of the time to a step: as many had taken it after so long."""
    rows = found.times[found.times["step"] == step]
    rows = rows[rows["seconds"].notna()]
    label = found.asked.labels[step - 1]
    title = f"Time to {label}, among those who reached it"
    rows = rows[rows["quantile"] < 0.91]  # the last ones come days later, and hide the others
    middles = rows[np.isclose(rows["quantile"], 0.5)]["seconds"]
    typical = float(middles.max()) if len(middles) else 0.0
    size, unit = next((one for one in _UNITS if typical >= 2 * one[0]), _UNITS[-1])
    arms = list(dict.fromkeys(rows["arm"]))[:2]
    middle = {
        str(arm): float(part["seconds"].iloc[(part["quantile"] - 0.5).abs().argmin()])
        for arm, part in rows.groupby("arm", sort=False)
    }
    said = (
        "; ".join(
            f"{'Median' if arm == 'all' else f'{in_sentence(arm)}: median'} "
            f"{number(middle[arm] / size, 1)} {unit}"
            for arm in arms
        )
        + ". Those who got there may be others in each arm: this describes and does not compare."
        if arms
        else "Nobody reached it."
    )
    styles = (TREATMENT,) if len(arms) == 1 else (CONTROL, TREATMENT)
    nothing = np.full(19, np.nan)
    lines = []
    for arm, style in zip(arms, styles, strict=False):
        values = rows[rows["arm"] == arm]["seconds"].to_numpy(dtype=np.float64) / size
        name = "" if arm == "all" else str(arm)
        lines.append((name, style, Line(values, nothing[: len(values)], nothing[: len(values)])))
    ticks = tuple(f"{100 * q:.0f}%" for q in sorted(set(rows["quantile"])))
    words = Words(
        heading=title,
        said=(said,),
        axis=f"Time from the entry, {unit}",
        below="Share of those who reached it",
        caption=f"{title}. {said}",
        alt=f"{title}. {said}",
    )
    if not lines:
        lines, ticks = [("", TREATMENT, Line(*[np.full(1, np.nan)] * 3))], ("",)
    panel = DotPanel("", ticks, tuple(lines), connected=len(ticks), height=2.2)
    return panels(words, [panel])
