"""The picture of churn: step curves with the units at risk under the axis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.churn_times import ALL
from abtest.show.axis_scale import AxisScale
from abtest.show.estimate_words import Estimate, level_text, share_interval, signed
from abtest.show.numbers import count, number, p_phrase, percent
from abtest.show.plot_frame import Words, in_sentence
from abtest.show.step_curves import CurvePair, LoneAxes, StepArm, curves, lone_curve
from abtest.show.step_extent import axis_end, reach
from abtest.show.survival_plot import lowest_share

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.churn import Churn
    from abtest.show.drawing import Chart


def picture(found: Churn, arm: str | None) -> Chart:
    """Return the curve of all units, or those of control and one treatment."""
    if found.differences is None:
        return _alone(found)
    treatment = chosen_arm(found.differences, arm)
    row = found.differences[found.differences["arm"] == treatment].iloc[0]
    pair = (str(row["control"]), treatment)
    arms = [_arm(found, name) for name in pair]
    around = _axes(found, arms)
    ok = row["status"] == "ok"
    difference = Estimate(
        float(row["difference"]), _or_none(row["lower"]), _or_none(row["upper"])
    )  # fmt: skip
    values = (row["control_value"], row["value"])
    drawn = CurvePair(
        label=found.title, unit=around.unit, horizon=around.horizon, end=around.end,
        low=around.low, high=around.high,
        control=replace(arms[0], summary=float(values[0])),
        treatment=replace(arms[1], summary=float(values[1])),
        difference=difference, confidence_level=found.confidence_level,
    )  # fmt: skip
    said = _said_pair(found, row, pair, difference)
    notes = tuple(_note(found, one) for one in arms)
    return curves(
        drawn, _words(found, said, pair, arms), _ticks(around), (notes[0], notes[1]),
        title="Units at risk", shaded=ok and not found.asked.competing,
    )  # fmt: skip


def _alone(found: Churn) -> Chart:
    arm = _arm(found, ALL)
    around = _axes(found, [arm])
    row = found.summary.iloc[0]
    units = f"{count(row['units'])} unit{'' if row['units'] == 1 else 's'}"
    said = (
        f"{units}, {count(row['events'])} left. {_share(found, arm)}."
        if found.tau > 0
        else f"{units}; too few were watched for long enough yet."
    )
    if not found.asked.competing and np.isfinite(row["median"]):
        ends = [
            "no end" if not np.isfinite(row[name]) else number(row[name], 1)
            for name in ("median_lower", "median_upper")
        ]
        said += f" Half of them left by day {number(row['median'], 1)} ({ends[0]} to {ends[1]})."
    return lone_curve(
        around, arm, _words(found, (said,), (ALL,), [arm]), _ticks(around), _note(found, arm),
        title="Units at risk",
    )  # fmt: skip


def _arm(found: Churn, name: str) -> StepArm:
    own = found.table[found.table["arm"] == name]
    first, column = (0.0, "incidence") if found.asked.competing else (1.0, "survival")
    row = found.summary[found.summary["arm"] == name].iloc[0]
    watched = found.times[name].any_event
    values, lower, upper = (
        own[key].to_numpy(dtype=np.float64) for key in (column, "lower", "upper")
    )
    return StepArm(
        name=name,
        times=own["time"].to_numpy(dtype=np.float64),
        values=values,
        lower=lower,
        upper=upper,
        first=first,
        watched_times=watched.times,
        watched=watched.at_risk,
        units=watched.n,
        summary=float("nan"),
        at_horizon=Estimate(float(row[column]), _or_none(row["lower"]), _or_none(row["upper"])),
    )


def _axes(found: Churn, arms: list[StepArm]) -> LoneAxes:
    horizon = found.tau or found.asked.until
    end = axis_end(arms, horizon)
    smallest, largest = reach(arms, horizon, end)
    low, high = lowest_share(smallest), 1.0
    if found.asked.competing:
        low, high = 0.0, 1.0 - lowest_share(1.0 - largest)
    return LoneAxes("days", horizon, end, low, high)


def _ticks(around: LoneAxes) -> list[tuple[float, str]]:
    scale = AxisScale(100.0 * around.low, 100.0 * around.high)
    return [(place, f"{text}%") for place, text in scale.ticks(5)]


def _words(
    found: Churn, said: tuple[str, ...], names: tuple[str, ...], arms: list[StepArm]
) -> Words:
    level = level_text(found.confidence_level)
    left = "had left" if found.asked.competing else "had not left yet"
    shares = ". ".join(_share(found, arm) for arm in arms if len(arms) > 1 and found.tau > 0)
    of = "" if len(names) == 1 else f" of {' and '.join(in_sentence(name) for name in names)}"
    kind = "Cumulative incidence" if found.asked.competing else "Kaplan–Meier curve"
    return Words(
        heading=found.title,
        said=said,
        axis=f"Share of units that {left}",
        below="Time since exposure, days" if len(names) > 1 else "Time since the start, days",
        caption=f"{found.title}{of}: {kind} with {level} intervals at each time. {' '.join(said)}",
        alt=f"{found.title}{of}. {' '.join(said)} {shares}{'.' if shares else ''}".rstrip(),
    )


def _said_pair(
    found: Churn, row: pd.Series, pair: tuple[str, str], difference: Estimate
) -> tuple[str, ...]:
    control, treatment = (in_sentence(name) for name in pair)
    if row["status"] != "ok":
        return (f"{treatment} and {control} cannot be compared yet: {_reason(row['status'])}.",)
    level, until = found.confidence_level, f"day {found.tau:g}"
    if found.asked.competing:
        points = Estimate(
            100.0 * difference.value,
            *(None if x is None else 100.0 * x for x in (difference.lower, difference.upper)),
        )
        values = f"{treatment} {percent(row['value'], 1)}, {control} "
        values += percent(row["control_value"], 1)
        return (
            f"Left up to {until}: {values}. Difference "
            f"{signed(points, level, 'percentage points')}.",
            f"Gray's test of all times: {p_phrase(row['test_p'])}.",
        )
    places = max(difference.decimals, 1)
    means = f"{treatment} {number(row['value'], places)}, {control} "
    means += number(row["control_value"], places)
    return (
        f"Mean days until leaving, counted up to {until}: {means}. Difference "
        f"{signed(difference, level, 'days')}.",
        f"Log-rank test of all times: {p_phrase(row['test_p'])}.",
    )


def _reason(status: str) -> str:
    return {
        "no_events": "nobody has left",
        "too_few_units": "an arm has fewer than two units",
        "horizon_too_far": "too few units were watched for long enough",
        "constant": "nothing varies",
    }.get(status, status.replace("_", " "))


def _share(found: Churn, arm: StepArm) -> str:
    left = "had left" if found.asked.competing else "had not left"
    shown = "100%" if arm.at_horizon.value == 1.0 else share_interval(arm.at_horizon)
    at_risk = arm.watched_at([found.tau])[0]
    return (
        f"By day {found.tau:g}, {shown} of {in_sentence(arm.name)} {left}; "
        f"{count(at_risk)} of {count(arm.units)} units were still at risk there"
    )


def _note(found: Churn, arm: StepArm) -> str:
    return f"{percent(arm.at_horizon.value, 1)} at {found.tau:g}" if found.tau > 0 else ""


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
