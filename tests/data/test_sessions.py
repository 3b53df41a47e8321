"""Sessions of a dirty log against a plain walk through each unit's events."""

from __future__ import annotations

from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from abtest.data import engine, measure
from abtest.data.request import SessionValue, UnitRequest
from abtest.data.sessions import SessionRule, numbered
from abtest.data.settings import Sessions

DAY = timedelta(days=1)
VIEWS, KEY = ("view", "open"), ("buy",)
RULES = {
    "half an hour": Sessions(),
    "two hours, without views": Sessions(gap_minutes=120.0, ignore=("view",)),
    "between markers": Sessions(by="events", start=("open",), end=("buy",)),
}


def sessions_of(unit, rule):
    """Lists of (name, time) of one unit, in order; none spans the exposure."""
    found = []
    for later in (False, True):
        side = [e[:2] for e in unit.events if (e[1] >= unit.zero) == later]
        places = {**dict.fromkeys(rule.start, 0), **dict.fromkeys(rule.end, 2)}
        side = [e for e in side if e[0] not in rule.ignore]
        side.sort(key=lambda e: (e[1], places.get(e[0], 1)))
        found += [(later, own) for own in walk(side, rule)]
    return found


def walk(events, rule):
    """Split events in order into sessions."""
    found, is_open = [], False
    for name, time in events:
        if rule.by == "events":
            if name in rule.start and not is_open:
                found.append([])
                is_open = True
            if not is_open:
                continue
            found[-1].append((name, time))
            is_open = name not in rule.end
        else:
            pause = timedelta(minutes=rule.gap_minutes)
            if not found or time - found[-1][-1][1] > pause:
                found.append([])
            found[-1].append((name, time))
    return found


def expected(unit, wanted, rule):
    """One number of one unit."""
    start, end = (unit.zero + timedelta(days=days) for days in wanted.window)
    total = 0.0
    every = sessions_of(unit, rule)
    if wanted.measure == "first_end":
        after = [own for later, own in every if later]
        soon = after and after[0][0][1] <= unit.zero + timedelta(minutes=rule.gap_minutes)
        return (after[0][-1][1] - unit.zero) / timedelta(microseconds=1) if soon else 0.0
    for place, (later, own) in enumerate(every):
        if not start <= own[0][1] < end:
            continue
        inside = [(name, time) for name, time in own if time < end]
        length = (inside[-1][1] - inside[0][1]).total_seconds()
        views = sum(name in wanted.views for name, _ in inside)
        key = any(name in wanted.key for name, _ in inside)
        limit = timedelta(days=wanted.limit)
        followed = own[-1][1] < end - limit
        after = [other[0][1] for side, other in every[place + 1 :] if side == later]
        away = min(after[0] - own[-1][1], limit) if after else limit
        total += {
            "sessions": 1.0,
            "seconds": length,
            "single_view": float(views == 1),
            "with_view": float(views >= 1),
            "without_key": float(views >= 1 and not key),
            "engaged": float(length >= 10 or views >= 2 or key),
            "followed": float(followed),
            "absence": away / DAY if followed else 0.0,
        }[wanted.measure]
    return total


def with_bursts(log, seed):
    """A log in which events come in bursts: the pause of half an hour exactly, a hair longer."""
    rng = np.random.default_rng(seed)
    shown, events, units = log
    pauses = ["9s", "10s", "4min", "30min", "30min1us", "2h", "2h1us"]
    parts = [events]
    for _ in range(4):
        again = parts[-1].sample(frac=0.5, random_state=int(rng.integers(1 << 30)))
        later = again["time"] + pd.to_timedelta(rng.choice(pauses, len(again)))
        names = rng.choice(["buy", "view", "open"], len(again))
        parts.append(again.assign(time=later, name=names))
    return shown, pd.concat(parts, ignore_index=True), units


def requests(names):
    """A metric of every measure, in four windows."""
    found = []
    for number, window in enumerate([(0, 7), (2, 5), (-7, 0), (-2, 3)]):
        for name in names:
            value = SessionValue(name, window, VIEWS, KEY, limit=1.5)
            found.append(UnitRequest(f"{name}_{number}", (value,), matures_after=7))
    return found


EDGES = ("sessions", "seconds", "followed", "absence")
VIEWED = ("single_view", "with_view", "without_key", "engaged")


@pytest.mark.parametrize("measures", [EDGES, EDGES + VIEWED], ids=["edges", "all"])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_are_those_of_a_plain_walk(kit, tmp_path, name, seed, measures):
    rule, design = RULES[name], kit.make_design()
    wanted = requests((*measures, "first_end") if rule.by is None else measures)
    log = with_bursts(kit.make_log(seed), seed)
    settings = kit.settings.model_copy(update={"sessions": rule})
    frames = dict(zip(("exposures", "events", "units"), log, strict=True))
    measured = measure(
        settings, wanted, design, root=tmp_path, frames=frames, as_of=kit.as_of, now=kit.now
    )
    units = kit.reference(log[0], log[1], design)[0]
    for request in wanted:
        for variant in design.variants:
            arm = [
                u
                for u in units
                if u.variant == variant and not u.crossover and u.zero + 7 * DAY <= kit.as_of
            ]
            values = np.array([expected(u, request.variables[0], rule) for u in arm])
            found = measured.samples(request.metric, variant)
            n = sum(part.n for part in found)
            assert n == len(arm)
            total = sum(part.n * part.mean[0] for part in found)
            assert total == pytest.approx(values.sum(), rel=1e-9, abs=1e-9), request.metric
            squares = sum(part.m2[0, 0] + part.n * part.mean[0] ** 2 for part in found)
            assert squares == pytest.approx((values**2).sum(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("units", [5, 20_000])
def test_events_of_one_moment_are_in_one_session(units):
    rng = np.random.default_rng(7)
    rows = 400_000
    log = pd.DataFrame(
        {
            "uid": rng.integers(0, units, rows),
            "name": rng.choice(["view", "open"], rows),
            "passed": 45 * 60_000_000 * rng.integers(0, 40, rows),
        }
    )
    backend = engine.connect()
    found = numbered(ibis.memtable(pa.Table.from_pandas(log)), SessionRule(gap=30.0))
    moments = found.group_by("uid", "session").aggregate(n=found["passed"].nunique())
    most = engine.run(backend, moments.aggregate(most=moments["n"].max()), "log")
    assert most["most"].to_pylist() == [1]  # all other pauses are longer than half an hour
