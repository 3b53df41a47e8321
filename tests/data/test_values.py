"""Values of a dirty log, read from marks of days and from events looked at once each."""

from __future__ import annotations

import numpy as np
import pytest

from abtest.data import measure
from abtest.data.request import EventValue, UnitRequest

ZONES = ("UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns")
WINDOWS = ((0, 7), (0, 3), (0, 5.5), (1, 2), (2.5, 6), (-5, 0), (-2, 0), (-9.5, 0), (-6, -2))
WINDOWS += ((-3.25, 2.5), (-4, 3), (-40, 5), (-90, 0), (-700, 1))
ACTIVE = ("view", "open")


def requests():
    """Days and flags in windows of every kind, and what is added up of one event only."""
    found = []
    for window in WINDOWS:
        whole = all(float(day).is_integer() for day in window)
        for aggregate in ("any", "distinct_days"):
            for calendar in (False, True) if whole else (False,):
                value = EventValue(ACTIVE, aggregate, window, calendar=calendar)
                found.append(UnitRequest(f"m{len(found)}", (value,), matures_after=7))
        for aggregate in ("count", "sum"):
            value = EventValue(("buy",), aggregate, window)
            found.append(UnitRequest(f"m{len(found)}", (value,), matures_after=7))
    for aggregate in ("any", "distinct_days"):
        value = EventValue(("*",), aggregate, (0, 7), ignored=("view",))
        found.append(UnitRequest(f"m{len(found)}", (value,), matures_after=7))
    return found


def measured_of(kit, tmp_path, log, wanted, zone="UTC"):
    frames = dict(zip(("exposures", "events", "units"), log, strict=True))
    design = kit.make_design(zone)
    return measure(
        kit.settings, wanted, design, root=tmp_path, frames=frames, as_of=kit.as_of, now=kit.now
    )


@pytest.mark.parametrize("zone", ZONES)
def test_every_window_is_that_of_a_plain_walk(kit, tmp_path, zone):
    log, wanted, design = kit.make_log(4), requests(), kit.make_design(zone)
    measured = measured_of(kit, tmp_path, log, wanted, zone)
    units = kit.reference(log[0], log[1], design)[0]
    for request in wanted:
        for variant in design.variants:
            arm = [u for u in units if u.variant == variant and not u.crossover]
            arm = [u for u in arm if kit.is_mature(u, request, zone)]
            values = np.array([kit.value_of(u, request.variables[0], zone) for u in arm])
            found = measured.samples(request.metric, variant)
            assert sum(part.n for part in found) == len(arm)
            total = sum(part.n * part.mean[0] for part in found)
            assert total == pytest.approx(values.sum(), rel=1e-9, abs=1e-9), request.variables


def test_repeats_are_those_of_events_that_are_added_up(kit, tmp_path):
    log, names, design = kit.make_log(4), ("buy",), kit.make_design()
    units = kit.reference(log[0], log[1], design)[0]
    counted = UnitRequest("buys", (EventValue(names, "count", (0, 7)),), matures_after=7)
    active = UnitRequest("active", (EventValue(("*",), "any", (0, 7)),), matures_after=7)
    repeats = [
        measured_of(kit, tmp_path, log, wanted).tally.duplicate_event_rows
        for wanted in ([active], [active, counted])
    ]
    assert repeats == [0, kit.repeats_of(units, [counted], design.timezone)]
    assert repeats[1] > 0
