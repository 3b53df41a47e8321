"""Every metric of the catalogue, on a log in which much happens, against a plain computation.

The plain computation walks through each unit's events with windows written down here once more,
so that neither the catalogue's numbers nor the data layer's can change unseen.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from abtest.data import measure
from abtest.experiment.requests import metric_requests
from abtest.experiment.resolve import resolve
from abtest.metrics.catalogue import catalogue, catalogue_text
from abtest.metrics.roles import EventRoles
from abtest.simulate import demo_worlds, simulate
from abtest.stats import EventTimes, ValueCounts, estimate_cumulative_means

ZONE = ZoneInfo("Europe/Berlin")
START, END = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 4, 20, tzinfo=UTC)
AS_OF = datetime(2026, 7, 20, 22, tzinfo=UTC)  # midnight in Berlin
DAY = timedelta(days=1)
ACTIVE = {"open", "search"}
FEATURES = ["board", "calendar", "export"]
ROLES = {
    **{role: role for role in EventRoles.model_fields if role != "passive"},
    "active": sorted(ACTIVE),
    "feature": FEATURES,
}
NAMES = sorted({name for names in ROLES.values() for name in np.atleast_1d(names)} | {"push_sent"})


SHOP = ["view", "cart", "purchase", "action", "value_realised", "key_action"]


@dataclass
class Unit:
    """One unit and its events, in order."""

    arm: str
    zero: pd.Timestamp
    events: list[tuple[str, pd.Timestamp, float]]

    def inside(self, names, start, end):
        names = {names} if isinstance(names, str) else set(names)
        low, high = self.zero + start * DAY, self.zero + end * DAY
        return [e for e in self.events if e[0] in names and low <= e[1] < high]

    def dated(self, names, start, end):
        first = self.zero.tz_convert(ZONE).date()
        return [
            e
            for e in self.events
            if e[0] in names
            and e[1] >= self.zero
            and start <= (e[1].tz_convert(ZONE).date() - first).days < end
        ]


def count(names, end, start=0):
    return lambda u: float(len(u.inside(names, start, end)))


def share(names, start, end):
    return lambda u: float(bool(u.inside(names, start, end)))


def total(names, end):
    return lambda u: sum(e[2] for e in u.inside(names, 0, end))


def dates(found):
    return len({time.tz_convert(ZONE).date() for _, time, _ in found})


def days(names, end, start=0):
    return lambda u: float(dates(u.inside(names, start, end)))


def calendar_days(start, end):
    return lambda u: float(dates(u.dated(ACTIVE, start, end)))


def on_days(names, least, end):
    return lambda u: float(dates(u.inside(names, 0, end)) >= least)


def sessions(u, end, pause=0.5):
    """Lists of events: a pause of more than half an hour, or so many hours, ends one."""
    found = []
    for event in u.events:
        if event[1] < u.zero:
            continue
        if not found or event[1] - found[-1][-1][1] > timedelta(hours=pause):
            found.append([])
        found[-1].append(event)
    return [own for own in found if own[0][1] < u.zero + end * DAY]


def until(own, u, end):
    return [event for event in own if event[1] < u.zero + end * DAY]


def seconds(own):
    return (own[-1][1] - own[0][1]).total_seconds()


def of_sessions(number, end=28, pause=0.5):
    return lambda u: float(sum(number(until(own, u, end)) for own in sessions(u, end, pause)))


def views(own):
    return sum(name == "view" for name, *_ in own)


def engaged(own):
    return seconds(own) >= 10 or views(own) >= 2 or any(name == "key_action" for name, *_ in own)


def followed(u):
    return [own for own in sessions(u, 28) if own[-1][1] < u.zero + 14 * DAY]


def absence(u):
    found = 0.0
    every = sessions(u, 200)
    for own in followed(u):
        later = [other[0][1] for other in every if other[0][1] > own[-1][1]]
        found += min((later[0] - own[-1][1]) / DAY if later else 14.0, 14.0)
    return found


def answer(name, end=28):
    def last(u):
        found = u.inside(name, 0, end)
        return found[-1][2] if found else None

    return last


def first_time(name, horizon):
    def found(u):
        met = u.inside(name, 0, horizon)
        return met[0][1] - u.zero if met else None

    return found


def leaving(u):
    """Time of the last activity before 28 days without any; None if that is not known."""
    last = u.zero
    for name, time, _ in u.events:
        if name in ACTIVE and time >= u.zero:
            if time - last > 28 * DAY:
                break
            last = time
    return last - u.zero if last + 28 * DAY < AS_OF else None


def adopted(u):
    return float(bool(u.inside("value_realised", 0, 7)) and dates(u.inside(ACTIVE, 7, 28)) >= 3)


def taken(u, steps, end=7):
    """How many of these steps came one after another."""
    moment, found = u.zero, 0
    for step in steps:
        later = [time for name, time, _ in u.inside(step, 0, end) if time >= moment]
        if not later:
            break
        moment, found = min(later), found + 1
    return found


FUNNEL = ("view", "cart", "purchase")


def reached(number):
    return lambda u: float(taken(u, FUNNEL[:number]) == number)


def actions_to_value(u):
    met = u.inside("value_realised", 0, 7)
    if not met:
        return None
    return float(sum(time <= met[0][1] for _, time, _ in u.inside("action", 0, 7)))


VALUES = {
    "funnel_complete": reached(3),
    "active_any": share(ACTIVE, 0, 28),
    "active_days": days(ACTIVE, 28),
    "active_days_rate": lambda u: dates(u.dated(ACTIVE, 0, 28)) / 28,
    "l7": calendar_days(21, 28),
    "l14": calendar_days(14, 28),
    "l28": calendar_days(0, 28),
    "engagement_rate": share(ACTIVE, 0, 7),
    "power_user": lambda u: float(dates(u.dated(ACTIVE, 0, 28)) >= 21),
    "returning_visitor_rate": on_days(ACTIVE, 2, 30),
    "retained_day_1": share(ACTIVE, 1, 2),
    "retained_day_7": share(ACTIVE, 7, 8),
    "retained_day_14": share(ACTIVE, 14, 15),
    "retained_day_28": share(ACTIVE, 28, 29),
    "retained_week_1": share(ACTIVE, 7, 14),
    "retained_week_2": share(ACTIVE, 14, 21),
    "retained_week_3": share(ACTIVE, 21, 28),
    "retained_week_4": share(ACTIVE, 28, 35),
    "retained_bracket": share(ACTIVE, 3, 8),
    "retained_unbounded_7": share(ACTIVE, 7, 28),
    "retained_streak_4": lambda u: float(
        all(u.inside(ACTIVE, 7 * week, 7 * week + 7) for week in range(4))
    ),
    "resurrected": lambda u: (
        None if u.inside(ACTIVE, -28, 0) else float(bool(u.inside(ACTIVE, 0, 28)))
    ),
    "churned_28": lambda u: float(not u.inside(ACTIVE, 28, 56)),
    "churn_rate": share("cancel", 0, 28),
    "downgrade_rate": share("downgrade", 0, 28),
    "pause_rate": share("pause", 0, 28),
    "conversion": share("goal", 0, 14),
    "aha_rate": share("key_action", 0, 7),
    "milestone_mvp": share("value_perceived", 0, 1),
    "milestone_mvr": share("value_realised", 0, 7),
    "milestone_mva": adopted,
    "form_complete": share("form_complete", 0, 1),
    "onboarding_complete": share("onboarding_complete", 0, 7),
    "trial_to_paid": share("paid", 0, 37),
    "renewed_after_first_invoice": share("renewal", 0, 75),
    "feature_adoption": share(FEATURES, 0, 14),
    "feature_repeat_use": on_days(FEATURES, 2, 28),
    "feature_breadth": lambda u: float(len({e[0] for e in u.inside(FEATURES, 0, 28)})),
    "interactions_per_unit": count("interaction", 28),
    "actions_per_unit": count("action", 28),
    "sessions_per_unit": of_sessions(lambda _: 1),
    "time_in_app": of_sessions(seconds),
    "orders_per_unit": count("purchase", 28),
    "revenue_per_unit": total("purchase", 28),
    "repeat_purchase": on_days("purchase", 2, 60),
    "refunds_per_unit": total("refund", 28),
    "response_rate": share("nps", 0, 28),
    "unsubscribe": share("unsubscribe", 0, 28),
    "mute": share("mute", 0, 28),
    "uninstall": share("uninstall", 0, 28),
    "complaint": share("complaint", 0, 28),
    "support_ticket": count("support_ticket", 28),
    "crash": share("crash", 0, 7),
    "ad_load": count("ad", 7),
}


def carts(own):
    return any(name == "cart" for name, *_ in own)


def lost(own):
    return carts(own) and not any(name == "purchase" for name, *_ in own)


RATIOS = {
    "step_conversion": (reached(3), reached(2)),
    "drop_off": (lambda u: reached(2)(u) - reached(3)(u), reached(2)),
    "arppu": (total("purchase", 28), share("purchase", 0, 28)),
    "aov": (total("purchase", 28), count("purchase", 28)),
    "cart_abandonment": (of_sessions(lost, pause=24), of_sessions(carts, pause=24)),
    "session_duration": (of_sessions(seconds), of_sessions(lambda _: 1)),
    "pages_per_session": (count("view", 28), of_sessions(lambda _: 1)),
    "actions_per_session": (count("action", 28), of_sessions(lambda _: 1)),
    "bounce_single_page": (of_sessions(lambda s: views(s) == 1), of_sessions(lambda _: 1)),
    "engaged_session_rate": (of_sessions(engaged), of_sessions(lambda _: 1)),
    "inter_session_gap": (absence, lambda u: float(len(followed(u)))),
}
COUNTED = {
    "steps_to_value": actions_to_value,
    "latency": lambda u: max((e[2] for e in u.inside("latency", 0, 7)), default=0.0),
    "nps": answer("nps"),
    "csat_top2": answer("csat"),
    "csat_mean": answer("csat"),
    "ces": answer("effort"),
    "disappointed_share": answer("disappointment"),
}
TIMES = {
    "time_to_cancel": (first_time("cancel", 90), 90, 1.0),
    "time_to_downgrade": (first_time("downgrade", 90), 90, 1.0),
    "time_to_uninstall": (first_time("uninstall", 90), 90, 1.0),
    "time_to_aha": (first_time("key_action", 7), 7, 1 / 24),
    "time_to_first_key_action": (first_time("key_action", 3), 3, 1 / 24),
    "time_to_convert": (first_time("goal", 7), 7, 1 / 24),
    "time_to_inactivity": (leaving, 90, 1.0),
}
REPEATED = {"revenue_90_days": ("purchase", 90)}
COSTS = {"cpa": 0, "cac": 0, "roi": 1, "margin_per_unit": None}
"""Which part of it is a cost by itself."""
ANSWERS = {"nps": (0, 11), "csat": (1, 6), "effort": (1, 8), "disappointment": (1, 4)}


@pytest.fixture(scope="module", params=["busy", "demo"])
def world(request):
    """Units with their events, the frames of the same, and whether everything happens in them."""
    return busy() if request.param == "busy" else demo()


def demo():
    """The demo's log, of which actions are dealt out to the roles that it has no events for."""
    made = simulate(demo_worlds(users=600)["loyalty_programme"], 3)
    frames, rng = made.frames(), np.random.default_rng(12)
    later = pd.Timestamp(START) - frames["exposures"]["exposed_at"].min().floor("D")
    control = made.world.arms[0]
    zeros, arm_of = {}, {}
    for row in frames["exposures"].sort_values("exposed_at").itertuples():
        zeros.setdefault(row.user_id, row.exposed_at + later)
        arm_of.setdefault(row.user_id, "control" if row.variant == control else "treatment")
    names = {"recommendation": "interaction", "support_contact": "support_ticket"}
    of_unit = {unit: set() for unit in zeros}
    for row in frames["events"].itertuples():
        if row.user_id in of_unit:
            dealt = row.event == "action" and rng.random() < 0.6
            name = str(rng.choice(NAMES)) if dealt else names.get(row.event, row.event)
            low, high = ANSWERS.get(name, (-5, 60))
            of_unit[row.user_id].add(
                (name, row.occurred_at + later, float(rng.integers(low, high)))
            )
    units, shown, log = [], [], []
    for unit, zero in zeros.items():
        events = sorted(of_unit[unit], key=lambda e: (e[1], e[2], e[0]))
        units.append(Unit(arm_of[unit], zero, [e for e in events if e[1] < AS_OF]))
        shown.append((unit, arm_of[unit], zero))
        log += [(unit, *event) for event in events]
    return units, frames_of(shown, log, rng), False


def frames_of(shown, log, rng):
    order = rng.permutation(len(log))
    return {
        "exposures": pd.DataFrame(shown, columns=["unit", "variant", "time"]),
        "events": pd.DataFrame([log[i] for i in order], columns=["unit", "name", "time", "value"]),
    }


def busy():
    rng = np.random.default_rng(11)
    units, shown, log = [], [], []
    for number in range(300):
        arm = str(rng.choice(["control", "treatment"]))
        zero = pd.Timestamp(START) + timedelta(minutes=int(rng.integers(0, 14 * 1440)))
        busy = rng.choice([0.1, 1.0, 8.0])
        times = []
        for visit in rng.uniform(-40, 110, rng.poisson(25 * busy)):
            moment = zero + timedelta(minutes=round(visit * 1440))
            for _ in range(1 + rng.poisson(2.0)):
                times.append(moment)
                moment += pd.Timedelta(str(rng.choice(["4s", "9s", "11min", "30min"])))
        favourites = ["open", "search"] if busy == 8.0 else rng.choice(NAMES, 8)
        if number % 3 == 0:
            favourites = SHOP
        events = []
        for time in times:
            name = str(rng.choice(favourites if rng.random() < 0.7 else NAMES))
            low, high = ANSWERS.get(name, (-5, 60))
            events.append((name, time, float(rng.integers(low, high))))
        events = sorted(set(events), key=lambda e: (e[1], e[2], e[0]))
        units.append(Unit(arm, zero, [e for e in events if e[1] < AS_OF]))
        shown.append((f"u{number}", arm, zero))
        log += [(f"u{number}", *event) for event in events]
    return units, frames_of(shown, log, rng), True


@pytest.fixture(scope="module")
def measured(world, tmp_path_factory):
    """What is measured of all metrics at once, and their requests."""
    metrics = [
        {
            "use": name,
            "role": "secondary",
            **({} if "direction" in entry.keys else {"direction": "increase"}),
        }
        for name, entry in catalogue().items()
    ]
    metrics[0]["role"] = "primary"
    root = tmp_path_factory.mktemp("catalogue")
    columns = {"unit": "unit", "time": "time"}
    spec = resolve(
        {
            "experiment": {"name": "all", "start": START, "end": END, "timezone": ZONE.key},
            "variants": {
                "control": "control",
                "treatments": ["treatment"],
                "cost_per_unit": {"control": 0.25, "treatment": 2.0},
                "fixed_cost": {"treatment": 300.0},
            },
            "data": {
                "kind": "events",
                "exposures": {**columns, "variant": "variant"},
                "events": {**columns, "name": "name", "value": "value"},
            },
            "events": ROLES,
            "analysis": {"cuped": False},
            "metrics": metrics,
        },
        root,
        data_given=True,
    ).spec
    requests = metric_requests(spec)
    found = measure(
        spec.data,
        list(requests.values()),
        spec.design(),
        root=root,
        frames=world[1],
        as_of=AS_OF,
        now=datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert not found.failures
    return found


def test_costs_are_those_of_the_arm_and_its_fixed_cost_is_spread_over_its_units(world, measured):
    for arm, units in arms(world):
        cost = 0.25 if arm == "control" else 2.0 + 300.0 / len(units)
        bought = np.array([[total("purchase", 28)(u), share("purchase", 0, 28)(u)] for u in units])
        converted = np.mean([share("goal", 0, 14)(u) for u in units])
        spent, buyers = bought.mean(axis=0)
        means = {
            "cpa": (cost, converted),
            "cac": (cost, buyers),
            "roi": (spent - cost, cost),
            "margin_per_unit": (spent - cost,),
        }
        for name, expected in means.items():
            (found,) = measured.samples(name, arm)
            np.testing.assert_allclose(found.mean, expected, rtol=1e-12)
            constant = COSTS[name]
            if constant is not None:  # a cost is known: only what comes in varies
                assert np.allclose(found.m2[constant], 0.0, atol=1e-9)
                assert np.allclose(found.m2[:, constant], 0.0, atol=1e-9)
        (found,) = measured.samples("margin_per_unit", arm)
        centred = ((bought[:, 0] - spent) ** 2).sum()
        assert found.m2[0, 0] == pytest.approx(centred, rel=1e-10)


def arms(world):
    for arm in ("control", "treatment"):
        yield arm, [unit for unit in world[0] if unit.arm == arm]


@pytest.mark.parametrize("name", VALUES)
def test_one_number_of_each_unit(world, measured, name):
    told = set()
    for arm, units in arms(world):
        values = [VALUES[name](unit) for unit in units]
        known = np.array([value for value in values if value is not None])
        (found,) = measured.samples(name, arm)
        assert found.n == len(known)
        assert found.mean[0] == pytest.approx(known.mean(), rel=1e-12)
        assert found.m2[0, 0] == pytest.approx(((known - known.mean()) ** 2).sum(), rel=1e-10)
        assert measured.excluded(name)[arm]["outside"] == len(values) - len(known)
        told |= set(known)
    assert len(told) > 1 or not world[2]  # or the log says nothing of it


@pytest.mark.parametrize("name", RATIOS)
def test_both_parts_of_a_ratio(world, measured, name):
    for arm, units in arms(world):
        values = np.array([[part(unit) for part in RATIOS[name]] for unit in units])
        (found,) = measured.samples(name, arm)
        centred = values - values.mean(axis=0)
        assert found.n == len(values)
        np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-10)
        np.testing.assert_allclose(found.m2, centred.T @ centred, rtol=1e-8, atol=1e-9)
        assert (values.std(axis=0) > 0).all() or not world[2]


@pytest.mark.parametrize("name", COUNTED)
def test_distinct_values(world, measured, name):
    for arm, units in arms(world):
        values = [COUNTED[name](unit) for unit in units]
        if name == "steps_to_value":  # the others are not of its group
            values = [value for value in values if value is not None]
        expected = ValueCounts.from_values([np.nan if v is None else v for v in values])
        (found,) = measured.samples(name, arm)
        assert found.nulls == expected.nulls
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.counts, expected.counts)
        assert len(found.values) > 1 or not world[2]


@pytest.mark.parametrize("name", TIMES)
def test_times_on_steps(world, measured, name):
    time_of, horizon, step = TIMES[name]
    for arm, units in arms(world):
        times, seen = [], []
        for unit in units:
            time = time_of(unit)
            happened = time is not None and time < horizon * DAY
            times.append((time // (step * DAY) + 0.5) * step if happened else horizon)
            seen.append(happened)
        expected = EventTimes.from_values(times, seen)
        (found,) = measured.samples(name, arm)
        np.testing.assert_allclose(found.times, expected.times, rtol=1e-12)
        np.testing.assert_array_equal(found.events, expected.events)
        np.testing.assert_array_equal(found.censored, expected.censored)
        assert found.events.sum() > 2 or not world[2]


@pytest.mark.parametrize("name", REPEATED)
def test_amounts_up_to_a_horizon(world, measured, name):
    event, horizon = REPEATED[name]
    samples = [measured.samples(name, arm) for arm in ("control", "treatment")]
    found = estimate_cumulative_means(*samples, horizon=horizon)
    for (_, units), value, error in zip(
        arms(world),
        (found.control_value, found.treatment_value),
        np.sqrt(np.diag(found.covariance)),
        strict=True,
    ):
        spent = np.array([sum(e[2] for e in u.inside(event, 0, horizon)) for u in units])
        assert value == pytest.approx(spent.mean(), rel=1e-12)  # nobody is lost before
        assert error == pytest.approx(spent.std() / np.sqrt(len(units)), rel=1e-9)


def test_every_entry_is_tried_and_told():
    tried = {*COSTS, *VALUES, *RATIOS, *COUNTED, *TIMES, *REPEATED}
    assert set(tried) == set(catalogue())
    for name, table in tomllib.loads(catalogue_text()).items():
        for key in ("title", "description", "section", "source", "edge_cases", "window_days"):
            assert table[key], (name, key)
        assert table["description"].endswith(".")
        assert table["edge_cases"].endswith(".")
        for role in catalogue()[name].roles:
            assert role in EventRoles.model_fields
