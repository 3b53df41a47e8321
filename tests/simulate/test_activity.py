"""How many users are active on which day, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from abtest.data.request import EventValue
from abtest.simulate import World, simulate
from abtest.simulate.activity import daily_rate, retention_curve
from abtest.simulate.rhythm import DAY, HOUR, weekday
from abtest.simulate.world import HOUR_WEIGHTS, RETENTION, WEEKDAY_WEIGHTS

START = datetime(2025, 1, 6, tzinfo=UTC)
NEW = World(
    name="new_users",
    arms=("control", "treatment"),
    shares=(0.5, 0.5),
    start=START,
    end=START + timedelta(days=28),
    until=START + timedelta(days=63),
    users=40_000,
    new_users=1.0,
)


@pytest.fixture(scope="module")
def newcomers():
    return simulate(NEW, seed=3)


@pytest.fixture(scope="module")
def regulars():
    return simulate(replace(NEW, name="regulars", new_users=0.0), seed=3)


def active_on(simulated, day):
    """Share of users with a session in [day, day + 1) days of 24 hours after exposure."""
    assert simulated.mature(day + 1).all()
    return simulated.outcomes(EventValue(("open",), "any", (day, day + 1))).mean()


@pytest.mark.parametrize(("day", "share"), [(0, 1.0), (1, 0.91), (7, 0.31), (30, 0.075)])
def test_retention_of_new_users_falls_as_the_source_documents_say(newcomers, day, share):
    assert active_on(newcomers, day) == pytest.approx(share, abs=0.006)


def test_retention_of_new_users_never_rises_from_day_to_day():
    curve = retention_curve(RETENTION, np.arange(0.0, 120.0))
    assert (np.diff(curve) < 0).all()
    assert (curve > 0).all()


def test_retention_between_the_stated_days_follows_the_curve(newcomers):
    for day in (2, 4, 14, 21):
        expected = retention_curve(RETENTION, np.array([float(day)]))[0]
        assert active_on(newcomers, day) == pytest.approx(expected, abs=0.01)


def test_existing_users_are_active_on_the_stated_share_of_days_before_and_after(regulars):
    for day in (-20, -1, 5, 30):
        share = regulars.outcomes(EventValue(("open",), "any", (day, day + 1))).mean()
        assert share == pytest.approx(0.10, abs=0.006)


def test_new_users_have_no_history(newcomers):
    assert newcomers.outcomes(EventValue(("*",), "count", (-28, 0))).sum() == 0


def test_a_daily_rate_gives_its_share_for_any_shape_of_the_gamma():
    share = np.array([0.05, 0.5, 0.95])
    for shape in (0.5, 1.0, 4.0):
        rate = daily_rate(share, shape, WEEKDAY_WEIGHTS)
        active = [
            np.mean(1 - (1 + value * np.array(WEEKDAY_WEIGHTS) / shape) ** -shape) for value in rate
        ]
        assert active == pytest.approx(share, abs=1e-9)


def test_users_differ_as_a_gamma_does(regulars):
    activity = regulars.people.activity
    assert activity.mean() == pytest.approx(1.0, abs=0.02)
    assert activity.var() == pytest.approx(1.0, abs=0.06)


def test_sessions_keep_the_rhythm_of_the_week(regulars):
    log = regulars.log
    whole_weeks = (regulars.people.exposed_at[log.user] - 21 * DAY <= log.time) & (
        log.time < regulars.people.exposed_at[log.user] - 7 * DAY
    )
    times = log.time[(log.event == 0) & whole_weeks & regulars.happened]
    shares = np.bincount(weekday(times), minlength=7) / times.size
    # Below proportional, because a day cannot be more than active.
    assert np.corrcoef(shares, WEEKDAY_WEIGHTS)[0, 1] > 0.95
    assert shares[5] < shares[:5].min()


def test_sessions_keep_the_rhythm_of_the_day(regulars):
    log = regulars.log
    times = log.time[(log.event == 0) & regulars.happened]
    shares = np.bincount(times % DAY // HOUR, minlength=24) / times.size
    assert shares == pytest.approx(np.array(HOUR_WEIGHTS) / sum(HOUR_WEIGHTS), abs=0.003)


def test_monday_is_weekday_0():
    assert weekday(np.array([20_094 * DAY]))[0] == START.weekday() == 0  # 20,094 days: 2025-01-06


def test_enrolment_is_spread_over_all_days_and_uneven(regulars):
    exposed = regulars.people.exposed_at
    per_day = np.bincount((exposed - exposed.min() // DAY * DAY) // DAY)
    assert per_day.size == 28
    assert per_day.min() > 0
    assert per_day.max() > 1.5 * per_day.min()
