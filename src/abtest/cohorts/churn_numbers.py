"""Numbers of times to leaving: curves, what they come to up to tau, differences of the arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.churn_times import Question
from abtest.cohorts.differences import holm
from abtest.stats import (
    CompetingTimes,
    NotEstimable,
    compare_incidence,
    compare_survival,
    cumulative_incidence,
    survival_curve,
)
from abtest.stats.survival.restricted import restricted_mean

if TYPE_CHECKING:
    import pandas as pd

    from abtest.stats import Comparison, GrayTest, LogRankTest
    from abtest.stats.results import Interval


def times_table(times: Mapping[str, CompetingTimes], asked: Question, level: float) -> pd.DataFrame:
    """Return the curve of every arm, one row per time."""
    import pandas as pd

    parts = []
    for name, arm in times.items():
        if asked.competing:
            share = cumulative_incidence(arm, confidence_level=level)
            columns = {"incidence": share.incidence, "lower": share.lower, "upper": share.upper}
            left = (arm.any_event.events + arm.censored) > 0
            counted = {"events": share.events, "competing": share.competing}
            parts.append(
                {"time": share.times, "arm": name, "at_risk": arm.any_event.at_risk[left]}
                | counted | {"censored": share.censored} | columns
            )  # fmt: skip
        else:
            curve = survival_curve(arm.any_event, confidence_level=level)
            parts.append(
                {"time": curve.times, "arm": name, "at_risk": curve.at_risk,
                 "events": curve.events, "censored": curve.censored, "survival": curve.survival,
                 "lower": curve.survival_lower, "upper": curve.survival_upper}
            )  # fmt: skip
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)


def times_summary(
    times: Mapping[str, CompetingTimes], asked: Question, tau: float, level: float
) -> pd.DataFrame:
    """Return the numbers of every arm up to tau."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name, arm in times.items():
        row: dict[str, Any] = {
            "arm": name, "units": arm.n, "events": int(arm.of_cause(1).sum()),
            "competing": int(arm.of_cause(2).sum()), "censored": int(arm.censored.sum()),
            "tau": tau,
        }  # fmt: skip
        if asked.competing:
            row |= _limits(cumulative_incidence(arm, confidence_level=level).at(tau), "incidence")
        else:
            curve = survival_curve(arm.any_event, confidence_level=level)
            row |= _limits(curve.at(tau), "survival")
            row["mean_days"] = restricted_mean(arm.any_event, tau).value if tau > 0 else np.nan
            row |= _limits(curve.quantile(), "median", "median_")
        rows.append(row)
    found = pd.DataFrame(rows)
    return found if asked.competing else found.drop(columns="competing")


def _limits(interval: Interval, name: str, prefix: str = "") -> dict[str, float]:
    found = (interval.estimate, interval.lower, interval.upper)
    columns = (name, f"{prefix}lower", f"{prefix}upper")
    return {key: np.nan if x is None else x for key, x in zip(columns, found, strict=True)}


def times_differences(
    times: Mapping[str, CompetingTimes], asked: Question, tau: float, level: float
) -> pd.DataFrame:
    """Return treatment minus control up to tau, one row per treatment."""
    import pandas as pd

    control, *treatments = times
    rows = [
        {"measure": "share_left" if asked.competing else "mean_days", "tau": tau, "arm": name,
         "control": control, "n_control": times[control].n, "n": times[name].n}
        | _compared(times[control], times[name], asked, tau, level)
        for name in treatments
    ]  # fmt: skip
    found = pd.DataFrame(rows)
    adjusted = holm(found["p_value"].to_numpy(dtype=np.float64))
    found.insert(list(found.columns).index("p_value") + 1, "p_adjusted", adjusted)
    return found


def _compared(
    control: CompetingTimes, treatment: CompetingTimes, asked: Question, tau: float, level: float
) -> dict[str, Any]:
    """Return one comparison; what cannot be compared has the reason as its status."""
    columns = ("control_value", "value", "difference", "lower", "upper", "relative", "p_value")
    unknown: dict[str, Any] = dict.fromkeys((*columns, "test_p"), np.nan)
    horizon = tau or asked.until
    found: Comparison
    test: LogRankTest | GrayTest | None
    try:
        if asked.competing:
            found = share = compare_incidence(
                control, treatment, horizon=horizon, confidence_level=level
            )
            test = share.gray
        else:
            arms = control.any_event, treatment.any_event
            found = mean = compare_survival(*arms, horizon=horizon, confidence_level=level)
            test = mean.log_rank
    except NotEstimable as error:
        return unknown | {"status": error.code}
    values = (
        found.control_value, found.treatment_value, found.absolute.estimate, found.absolute.lower,
        found.absolute.upper, found.relative.estimate, found.p_value,
        None if test is None else test.p_value,
    )  # fmt: skip
    known = {key: np.nan if x is None else x for key, x in zip(unknown, values, strict=True)}
    return known | {"status": "ok"}
