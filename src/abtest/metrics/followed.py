"""What metrics have in common that follow units as long as they are watched."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from abtest.data.request import Statistic, time_step
from abtest.metrics.activity import Window
from abtest.metrics.definition import DataKind
from abtest.metrics.misfit import Misfit
from abtest.metrics.plain import PlainMetric

_STEP_NAMES = {1.0: "days", 1.0 / 24.0: "hours", 1.0 / 1440.0: "minutes"}
_WHOLE = 1e-6


class FollowedMetric(PlainMetric):
    """Units count as long as they were watched, so that none waits for its window to close."""

    follow_up_days: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Days after the end of enrolment at which the metric is judged; left out: when the window of
    the last unit has closed. Units with open windows count as long as they were watched."""

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit; time is that since the moment of exposure."""
        found = super().misfits(data)
        if self.window == "rolling":
            return found
        what = "time is counted from the moment of exposure on, not in dates"
        return (*found, Misfit("window", what, "leave it out"))

    @property
    def closes_after(self) -> float:
        """Days after the end of enrolment at which the metric may be judged."""
        return super().closes_after if self.follow_up_days is None else self.follow_up_days


def on_steps(statistic: Statistic, end: float) -> float:
    """Return the end of a window as the number that the end of its last step has.

    Days in decimals are no exact hours and minutes: 7/24 is more than 7 times 1/24, and at such
    a horizon the last step would be missing.
    """
    step = time_step(statistic, end)
    return round(end / step) * step


def step_misfits(statistic: Statistic, window: Window | None) -> tuple[Misfit, ...]:
    """Return what is wrong with a window whose time is counted in steps from exposure on."""
    if window is None:
        return ()
    start, end = window
    found = []
    if start != 0:
        what = "time is counted from exposure on"
        found.append(Misfit("window_days", what, f"write window_days = [0, {end:g}]"))
    if end > 0:
        step = time_step(statistic, end)
        if abs(end / step - round(end / step)) > _WHOLE:
            unit = _STEP_NAMES[step]
            what = f"a window of this length is counted in {unit}"
            found.append(Misfit("window_days", what, f"end it after whole {unit}"))
    return tuple(found)
