"""A simulated experiment: the tables an analyst would see, and the truth that nobody else knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from abtest.data.request import (
    AllOf,
    EventValue,
    StepsValue,
    Times,
    Total,
    UnitRequest,
    UnitValue,
    Within,
)
from abtest.errors import UsageError
from abtest.simulate.log import Log, draw_log, event_names
from abtest.simulate.rhythm import DAY, Floats, Ints, microseconds
from abtest.simulate.tables import observed_tables
from abtest.simulate.users import Flags, Users, draw_users
from abtest.simulate.world import World

if TYPE_CHECKING:
    import pandas as pd


_NOWHERE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class TrueEffect:
    """What a treatment does to a metric, exactly, over the users of the experiment.

    `control` and `treatment` are the metric if all of them had been in that arm.
    """

    control: float
    treatment: float

    @property
    def absolute(self) -> float:
        """Treatment minus control."""
        return self.treatment - self.control

    @property
    def relative(self) -> float:
        """Treatment over control minus one."""
        return self.treatment / self.control - 1


@dataclass(frozen=True, eq=False)
class Simulated:
    """One experiment, simulated: every user's outcome under every arm, and what is observed.

    Examples
    --------
    >>> from abtest.simulate import demo_worlds, simulate
    >>> from abtest.data.request import EventValue
    >>> simulated = simulate(demo_worlds(users=1_000)["push_dose"], seed=1)
    >>> opened = EventValue(("open",), "distinct_days", (0, 14))
    >>> simulated.outcomes(opened, arm="none").shape
    (1000,)
    >>> simulated.truth((opened,))["three_a_week"].absolute > 0
    True
    """

    world: World
    seed: int
    people: Users
    log: Log

    @cached_property
    def happened(self) -> Flags:
        """Which possible events are in the observed log: those of each user's own arm."""
        kept = self.log.kept
        return np.asarray(kept[self.people.variant[self.log.user], np.arange(kept.shape[1])])

    def mature(self, days: float) -> Flags:
        """Return which users have been followed for `days` days after exposure."""
        return self.people.exposed_at + int(days * DAY) <= microseconds(self.world.until)

    def outcomes(self, value: UnitValue, *, arm: str | None = None) -> Floats:
        """Return the value of every user, shape (users,), as it would be in `arm`.

        Without `arm` it is the observed value. Values of users who are not `mature` at the
        end of the window are incomplete. Of ``first_time`` and ``last_value`` users without
        such an event have NaN.

        Raises
        ------
        UsageError
            ``no_truth`` for values of sessions, of columns and of costs.
        """
        happens = self.happened if arm is None else self.log.kept[self._arm(arm)]
        return self._value(value, happens)

    def _value(self, value: UnitValue, happens: Flags) -> Floats:
        match value:
            case EventValue():
                inside = self._inside(value.events, value.window, happens)
                return self._aggregate(value.aggregate, inside)
            case StepsValue():
                return self._steps(value, happens)
            case Within():
                inner = self._value(value.value, happens)
                return np.asarray((inner >= value.least) & (inner <= value.most), dtype=np.float64)
            case AllOf():
                met = [self._value(part, happens) != 0.0 for part in value.values]
                return np.asarray(np.logical_and.reduce(met), dtype=np.float64)
            case Total():
                return np.asarray(sum(self._value(part, happens) for part in value.values))
            case Times():
                return self._value(value.value, happens) * value.factor
        raise UsageError(
            "Only values from the event log have a simulated truth",
            given=str(value),
            todo="Ask for an EventValue",
            code="no_truth",
        )

    def _inside(self, names: Sequence[str], window: tuple[float, float], happens: Flags) -> Ints:
        """Return the positions of events of these names in a window."""
        index = np.concatenate([self._positions.get(name, _NOWHERE) for name in names])
        begin, end = (int(day * DAY) for day in window)
        since = self._since_exposure[index]
        return np.asarray(index[happens[index] & (since >= begin) & (since < end)])

    def _steps(self, value: StepsValue, happens: Flags) -> Floats:
        """Return how many steps each user took, each by the earliest event that may be it."""
        size = len(self.people)
        moment, taken = np.full(size, -np.inf), np.zeros(size)
        before: frozenset[str] = frozenset()
        for number, step in enumerate(value.steps):
            index = self._inside(step, value.window, happens)
            user, time = self.log.user[index], self.log.time[index].astype(np.float64)
            again = not before.isdisjoint(step)  # one event cannot be two steps
            later = (time > moment[user]) if again else (time >= moment[user])
            earliest = np.full(size, np.inf)
            np.minimum.at(earliest, user[later], time[later])
            reached = (taken == number) & np.isfinite(earliest)
            taken[reached] += 1
            moment[reached] = earliest[reached]
            before = frozenset(step)
        return taken

    @cached_property
    def _since_exposure(self) -> Ints:
        return self.log.time - self.people.exposed_at[self.log.user]

    @cached_property
    def _positions(self) -> Mapping[str, Ints]:
        """Positions in the log by name of the event, `"*"` being any."""
        found = {"*": np.arange(self.log.time.size)}
        for code, name in enumerate(event_names(self.world)):
            here = np.flatnonzero(self.log.event == code)
            found[name] = np.concatenate([found.get(name, _NOWHERE), here])
        return found

    def _aggregate(self, aggregate: str, index: Ints) -> Floats:
        """Return one number per user from the events at `index`; users without any have 0."""
        user, size = self.log.user[index], len(self.people)
        if aggregate in ("count", "any"):
            count = np.bincount(user, minlength=size).astype(np.float64)
            return count if aggregate == "count" else np.minimum(count, 1.0)
        if aggregate == "distinct_days":
            date = self.log.time[index] // DAY
            first = int(date.min()) if date.size else 0
            seen = np.zeros((size, int(date.max()) - first + 1 if date.size else 1), dtype=np.bool_)
            seen[user, date - first] = True
            return np.asarray(seen.sum(axis=1), dtype=np.float64)
        if aggregate in ("first_time", "last_value"):
            return self._of_one_event(aggregate, index)
        amount = np.nan_to_num(self.log.value[index])
        if aggregate == "sum":
            return np.bincount(user, weights=amount, minlength=size).astype(np.float64)
        largest = np.zeros(size)
        np.maximum.at(largest, user, amount)
        return largest

    def _of_one_event(self, aggregate: str, index: Ints) -> Floats:
        """Return microseconds to each user's first event, or the value of the last with one."""
        found = np.full(len(self.people), np.nan)
        if aggregate == "first_time":
            np.fmin.at(found, self.log.user[index], self._since_exposure[index])
            return found
        index = index[~np.isnan(self.log.value[index])]
        index = index[np.lexsort((self.log.value[index], self.log.time[index]))]
        found[self.log.user[index]] = self.log.value[index]  # of repeated places the last stays
        return found

    def truth(
        self, variables: tuple[UnitValue, ...], *, matures_after: float = 0.0
    ) -> Mapping[str, TrueEffect]:
        """Return the true effect of every treatment on the experiment's users.

        Parameters
        ----------
        variables
            One value for a mean or proportion; numerator and denominator for a ratio.
        matures_after
            Only users followed for so many days count, as in an analysis.
        """
        counted = self.mature(matures_after)
        values = {arm: self._over(variables, arm, counted) for arm in self.world.arms}
        control = values[self.world.arms[0]]
        return {arm: TrueEffect(control, values[arm]) for arm in self.world.arms[1:]}

    def truth_of(self, request: UnitRequest) -> Mapping[str, TrueEffect]:
        """Return the true effects on the metric that asks the data layer for `request`."""
        return self.truth(request.variables, matures_after=request.matures_after or 0.0)

    def _over(self, variables: tuple[UnitValue, ...], arm: str, counted: Flags) -> float:
        means = []
        for value in variables:
            means.append(float(self.outcomes(value, arm=arm)[counted].mean()))
        return means[0] if len(means) == 1 else means[0] / means[1]

    def _arm(self, arm: str) -> int:
        if arm not in self.world.arms:
            raise UsageError(
                f"The world {self.world.name!r} has no such arm",
                given=arm,
                todo="Use one of: " + ", ".join(self.world.arms),
                code="unknown_arm",
            )
        return self.world.arms.index(arm)

    def tables(self) -> dict[str, pa.Table]:
        """Return the Arrow tables `users`, `exposures` and `events`, as they would be logged."""
        return observed_tables(self.world, self.people, self.log, self.happened)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return `tables` as DataFrames, keyed as `abtest.load(..., data=...)` wants them."""
        tables = self.tables()
        names = {"units": "users", "exposures": "exposures", "events": "events"}
        return {key: tables[table].to_pandas() for key, table in names.items()}


def simulate(world: World, seed: int) -> Simulated:
    """Return the simulated experiment: the same world and seed give the same numbers."""
    people = draw_users(world, seed)
    return Simulated(world, seed, people, draw_log(world, people, seed))
