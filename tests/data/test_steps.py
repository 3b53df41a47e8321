"""Steps in order, and counting up to an event, against a plain walk through each unit's events."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from abtest.data import measure
from abtest.data.request import EventValue, StepsValue, UnitRequest

DAY = timedelta(days=1)
FUNNELS = (
    (("view",), ("open",), ("buy",)),
    (("view", "open"), ("buy",)),
    (("view",), ("view",), ("view",)),
    (("view", "open"), ("open", "buy")),
    (("nothing",), ("buy",)),
)


def inside(unit, window):
    low, high = (unit.zero + days * DAY for days in window)
    return [event for event in unit.events if low <= event[1] < high]


def depth(unit, value):
    """Steps taken: each by the earliest event that may be it."""
    moment, before = None, set()
    for number, step in enumerate(value.steps):
        again = bool(set(step) & before)
        times = [
            time
            for name, time, *_ in inside(unit, value.window)
            if name in step and (moment is None or (time > moment if again else time >= moment))
        ]
        if not times:
            return number
        moment, before = min(times), set(step)
    return len(value.steps)


def counted(unit, value):
    """Events up to the first of those that end it."""
    found = inside(unit, value.window)
    ends = min((time for name, time, *_ in found if name in value.until), default=None)
    return sum(name in value.events and (ends is None or time <= ends) for name, time, *_ in found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_steps_and_ends_are_those_of_a_plain_walk(kit, tmp_path, seed):
    steps = [StepsValue(way, window) for way in FUNNELS for window in ((0, 7), (1, 5), (-5, 0))]
    ended = [
        EventValue(("view", "buy"), "count", (0, 7), until=until) for until in (("buy",), ("open",))
    ]
    wanted = [
        UnitRequest(f"m{number}", (value,), matures_after=7)
        for number, value in enumerate([*steps, *ended])
    ]
    log, design = kit.make_log(seed), kit.make_design()
    measured = measure(
        kit.settings,
        wanted,
        design,
        root=tmp_path,
        frames=dict(zip(("exposures", "events", "units"), log, strict=True)),
        as_of=kit.as_of,
        now=kit.now,
    )
    units = [
        unit
        for unit in kit.reference(log[0], log[1], design)[0]
        if not unit.crossover and unit.zero + 7 * DAY <= kit.as_of
    ]
    told = set()
    for request in wanted:
        (value,) = request.variables
        plain = depth if isinstance(value, StepsValue) else counted
        if ("nothing",) in getattr(value, "steps", ()):  # the log has no such event
            code, values = measured.failures[request.metric]
            assert (code, values["events"]) == ("no_such_event", ["nothing"])
            continue
        for variant in design.variants:
            values = [plain(unit, value) for unit in units if unit.variant == variant]
            found = measured.samples(request.metric, variant)
            total = sum(part.n * part.mean[0] for part in found)
            squares = sum(part.m2[0, 0] + part.n * part.mean[0] ** 2 for part in found)
            assert total == pytest.approx(sum(values), abs=1e-9), value
            assert squares == pytest.approx(float(np.square(values).sum()), abs=1e-8), value
            told |= set(values)
    assert {0, 1, 2, 3} <= told
