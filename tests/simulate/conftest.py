"""What simulated experiments measure, straight from the arrays: no event log is written or read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest

from abtest.data.measured import Cells, Measured, Tally
from abtest.data.request import UnitRequest
from abtest.data.samples import CellUnits, MetricSums
from abtest.simulate import Simulated, TrueEffect
from abtest.simulate.rhythm import DAY, EPOCH


@dataclass(frozen=True)
class Direct:
    """What the data layer would measure, and the true effects by metric and treatment."""

    measured: Measured
    truth: Mapping[tuple[str, str], TrueEffect]


def measure_directly(simulated: Simulated, requests: Mapping[str, UnitRequest]) -> Direct:
    """Return the moments of every metric, one cell per arm."""
    world, people = simulated.world, simulated.people
    arms = len(world.arms)
    metrics: dict[str, MetricSums] = {}
    truth: dict[tuple[str, str], TrueEffect] = {}
    for name, request in requests.items():
        values = (*request.variables, *request.covariates)
        # Outcomes in every arm, shape (values, arms, users), give what is observed and the truth.
        outcomes = np.array(
            [[simulated.outcomes(value, arm=arm) for arm in world.arms] for value in values]
        )
        observed = outcomes[:, people.variant, np.arange(len(people))]
        mature = simulated.mature(request.matures_after)
        metrics[name] = _sums(observed, people.variant, mature, arms)
        means = outcomes[: len(request.variables), :, mature].mean(axis=2)
        by_arm = means[0] if len(means) == 1 else means[0] / means[1]
        for arm in range(1, arms):
            truth[name, world.arms[arm]] = TrueEffect(by_arm[0], by_arm[arm])
    cells = Cells(
        variant=np.array(world.arms, dtype=object),
        phase=np.zeros(arms, dtype=np.int64),
        day=np.full(arms, None, dtype=object),
        segments={},
        units=np.bincount(people.variant, minlength=arms),
        metrics=metrics,
    )
    return Direct(Measured(world.until, cells, _tally(simulated), None, ""), truth)


def _sums(values: np.ndarray, variant: np.ndarray, mature: np.ndarray, arms: int) -> MetricSums:
    pilot = values.mean(axis=1)
    of_arm = [values[:, mature & (variant == arm)] - pilot[:, None] for arm in range(arms)]
    none = np.zeros(arms, dtype=np.int64)
    n = np.array([part.shape[1] for part in of_arm])
    return MetricSums(
        units=CellUnits(n, none, np.bincount(variant[~mature], minlength=arms), none),
        pilot=pilot,
        sums=np.array([part.sum(axis=1) for part in of_arm]),
        products=np.array([part @ part.T for part in of_arm]),
        covariate_nulls=np.zeros((arms, len(values) - 1), dtype=np.int64),
    )


def _tally(simulated: Simulated) -> Tally:
    world, people = simulated.world, simulated.people
    arms = len(world.arms)
    days, index = np.unique(people.exposed_at // DAY, return_inverse=True)
    counts = np.bincount(index * arms + people.variant, minlength=days.size * arms)
    by_day = {
        (0, date.fromordinal(EPOCH.toordinal() + day)): dict(zip(world.arms, row, strict=True))
        for day, row in zip(days.tolist(), counts.reshape(-1, arms).tolist(), strict=True)
    }
    exposed = dict(
        zip(world.arms, np.bincount(people.variant, minlength=arms).tolist(), strict=True)
    )
    return Tally(
        rows=len(people),
        event_rows=int(simulated.happened.sum()),
        exposed=exposed,
        exposed_by_day=by_day,
        without_events=dict.fromkeys(world.arms, 0),
    )


@pytest.fixture(scope="session")
def directly() -> Callable[[Simulated, Mapping[str, UnitRequest]], Direct]:
    """Return the function that measures a simulated experiment without an event log."""
    return measure_directly
