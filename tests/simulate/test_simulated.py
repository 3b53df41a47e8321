"""Potential outcomes, the truth they give, and what an analyst gets to see."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from abtest.data.request import ColumnValue, EventValue
from abtest.errors import UsageError
from abtest.simulate import Activity, SessionEvent, Survey, demo_worlds, simulate

WORLDS = demo_worlds(users=20_000)
OPENED = EventValue(("open",), "distinct_days", (0, 14))
ACTIONS = EventValue(("action",), "count", (0, 14))
REVENUE = EventValue(("purchase",), "sum", (0, 14))
EVERYTHING = EventValue(("*",), "count", (-28, 14))


@pytest.fixture(scope="module")
def pushes():
    return simulate(WORLDS["push_dose"], seed=11)


@pytest.fixture(scope="module")
def removal():
    return simulate(WORLDS["feature_removal"], seed=11)


def test_the_truth_is_the_mean_difference_of_both_outcomes_of_the_same_users(pushes):
    effect = pushes.truth((OPENED,), matures_after=14)["seven_a_week"]
    difference = pushes.outcomes(OPENED, arm="seven_a_week") - pushes.outcomes(OPENED, arm="none")
    assert effect.absolute == pytest.approx(difference.mean(), rel=1e-12)
    assert effect.relative == pytest.approx(effect.treatment / effect.control - 1)


def test_the_truth_of_a_ratio_is_a_difference_of_ratios_of_sums(pushes):
    effect = pushes.truth((ACTIONS, OPENED), matures_after=14)["three_a_week"]
    ratios = [
        pushes.outcomes(ACTIONS, arm=arm).sum() / pushes.outcomes(OPENED, arm=arm).sum()
        for arm in ("none", "three_a_week")
    ]
    assert effect.absolute == pytest.approx(ratios[1] - ratios[0], rel=1e-12)


def test_what_is_observed_is_the_outcome_of_the_users_own_arm(pushes):
    observed = pushes.outcomes(EVERYTHING)
    for index, arm in enumerate(pushes.world.arms):
        own = pushes.people.variant == index
        assert (observed[own] == pushes.outcomes(EVERYTHING, arm=arm)[own]).all()


def test_an_arm_without_effect_has_the_very_same_outcomes_as_control(removal):
    for value in (OPENED, ACTIONS, REVENUE, EVERYTHING):
        with_it = removal.outcomes(value, arm="with_feature")
        assert (removal.outcomes(value, arm="without_feature") == with_it).all()
        assert removal.truth((value,))["without_feature"].absolute == 0.0


def test_a_higher_rate_only_adds_events(pushes):
    outcomes = [pushes.outcomes(EVERYTHING, arm=arm) for arm in pushes.world.arms]
    for less, more in pairwise(outcomes):
        assert (more >= less).all()
        assert (more > less).any()


def test_nothing_before_exposure_depends_on_the_arm(pushes):
    before = EventValue(("*",), "count", (-28, 0))
    outcomes = [pushes.outcomes(before, arm=arm) for arm in pushes.world.arms]
    assert (outcomes[0] == outcomes[1]).all()
    assert (outcomes[0] == outcomes[2]).all()


def test_effects_have_the_size_that_the_world_states(pushes):
    muted = EventValue(("mute",), "any", (0, 14))
    probabilities = pushes.world.probabilities("mute")
    for arm, probability in zip(pushes.world.arms, probabilities, strict=True):
        assert pushes.outcomes(muted, arm=arm).mean() == pytest.approx(probability, abs=0.004)
    world = replace(
        WORLDS["feature_removal"],
        session_events=(SessionEvent("action", 0.6, effects=(0.5,), tilt=0.5),),
    )
    effect = simulate(world, seed=1).truth((ACTIONS,))["without_feature"]
    assert effect.relative == pytest.approx(0.5, abs=0.02)


def test_arms_are_assigned_independently_of_outcomes(removal):
    variant = removal.people.variant
    for value in (OPENED, REVENUE, EventValue(("*",), "count", (-28, 0))):
        correlation = np.corrcoef(variant, removal.outcomes(value, arm="with_feature"))[0, 1]
        assert abs(correlation) < 4 / np.sqrt(variant.size)
    for values in removal.people.attributes.values():
        for value in np.unique(values):
            assert abs(variant[values == value].mean() - 0.5) < 2 / np.sqrt((values == value).sum())


def test_shares_of_arms_are_as_the_world_says():
    for world in WORLDS.values():
        people = simulate(replace(world, activity=Activity(before_days=0)), seed=5).people
        counts = np.bincount(people.variant, minlength=len(world.arms))
        expected = np.array(world.shares) * world.users
        assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_activity_before_exposure_predicts_activity_after_it(removal):
    before = removal.outcomes(EventValue(("open",), "distinct_days", (-28, 0)))
    after = removal.outcomes(EventValue(("open",), "distinct_days", (0, 28)))
    assert np.corrcoef(before, after)[0, 1] > 0.5


def test_attributes_have_their_shares_and_go_with_activity(removal):
    platform = removal.people.attributes["platform"]
    for name, share in zip(("ios", "android", "web"), (0.40, 0.45, 0.15), strict=True):
        assert (platform == name).mean() == pytest.approx(share, abs=0.015)
    activity = removal.people.activity
    assert activity[platform == "ios"].mean() > 1.1 * activity[platform != "ios"].mean()


@pytest.mark.parametrize("aggregate", ["count", "any", "sum", "max", "distinct_days"])
def test_aggregates_agree_with_a_plain_loop(removal, aggregate):
    log = removal.log
    chosen = removal.happened & (log.event == 2) & (log.user < 300)
    exposed = removal.people.exposed_at
    expected = np.zeros(len(removal.people))
    for user in range(300):
        own = np.flatnonzero(chosen & (log.user == user))
        since = (log.time[own] - exposed[user]) / 86_400e6
        own = own[(since >= 0) & (since < 14)]
        dates = log.time[own].astype("datetime64[us]").astype("datetime64[D]")
        expected[user] = {
            "count": own.size,
            "any": float(own.size > 0),
            "sum": log.value[own].sum(),
            "max": log.value[own].max(initial=0.0),
            "distinct_days": np.unique(dates).size,
        }[aggregate]
    got = removal.outcomes(EventValue(("purchase",), aggregate, (0, 14)))
    assert got[:300] == pytest.approx(expected[:300])


def test_the_same_seed_gives_the_same_tables_and_another_one_does_not():
    world = replace(WORLDS["push_dose"], users=500)
    first, again, other = (simulate(world, seed).tables() for seed in (5, 5, 6))
    assert all(first[name].equals(again[name]) for name in first)
    assert not any(first[name].equals(other[name]) for name in first)


def test_another_kind_of_event_changes_nothing_else():
    world = replace(WORLDS["push_dose"], users=500)
    more = replace(world, session_events=(*world.session_events, SessionEvent("share", 0.1)))
    for value in (OPENED, ACTIONS, REVENUE):
        assert (simulate(world, 5).outcomes(value) == simulate(more, 5).outcomes(value)).all()


def test_a_survey_changes_nothing_else():
    world = replace(WORLDS["push_dose"], users=2_000)
    more = replace(world, surveys=(Survey("ask", 0.5, 14, 1, ((0.5, 0.5),) * 3),))
    plain, asked = (simulate(one, 5).frames() for one in (world, more))
    others = asked["events"].query("event != 'ask'").reset_index(drop=True)
    assert others.equals(plain["events"])
    assert asked["exposures"].equals(plain["exposures"])
    assert asked["units"].equals(plain["units"])


def test_answers_have_the_shares_that_the_world_states_and_who_answers_is_no_effect():
    simulated = simulate(WORLDS["loyalty_programme"], seed=3)
    (survey,) = simulated.world.surveys
    last = EventValue((survey.event,), "last_value", (0, 28))
    given = [simulated.outcomes(last, arm=arm) for arm in simulated.world.arms]
    assert (np.isnan(given[0]) == np.isnan(given[1])).all()
    assert np.mean(~np.isnan(given[0])) == pytest.approx(survey.answered, abs=0.01)
    assert np.mean(given[0] == given[1]) > 0.17  # most of a fifth answer alike in both arms
    for answers, row in zip(given, survey.shares, strict=True):
        found = np.bincount(answers[~np.isnan(answers)].astype(int), minlength=len(row))
        assert found / found.sum() == pytest.approx(row, abs=0.025)
    asked = simulated.outcomes(EventValue((survey.event,), "count", (0, survey.within_days)))
    assert asked.max() == 1
    assert simulated.outcomes(EventValue((survey.event,), "count", (-28, 0))).sum() == 0


def test_the_first_time_and_the_last_value_agree_with_a_plain_loop(removal):
    log = removal.log
    exposed = removal.people.exposed_at
    chosen = removal.happened & (log.event == 2) & (log.user < 300)
    expected = {"first_time": np.full(300, np.nan), "last_value": np.full(300, np.nan)}
    for user in range(300):
        own = np.flatnonzero(chosen & (log.user == user))
        since = log.time[own] - exposed[user]
        inside = (since >= 0) & (since < 28 * 86_400e6)
        if inside.any():
            expected["first_time"][user] = since[inside].min()
            expected["last_value"][user] = log.value[own[inside]][since[inside].argmax()]
    assert np.isfinite(expected["first_time"]).sum() > 20
    for aggregate, wanted in expected.items():
        got = removal.outcomes(EventValue(("purchase",), aggregate, (0, 28)))
        np.testing.assert_array_equal(got[:300], wanted)


@pytest.mark.parametrize("seed", [0, 2**31, 2**63, 2**64 - 1, 10**40])
def test_any_seed_from_0_on_works(seed):
    for world in demo_worlds(users=50).values():
        simulated = simulate(world, seed)
        assert simulated.tables()["events"].num_rows >= 50


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="at least 0"):
        simulate(WORLDS["push_dose"], -1)


def test_one_user_is_enough():
    for world in demo_worlds(users=1).values():
        assert simulate(world, 1).tables()["exposures"].num_rows == 1


def test_what_is_not_in_the_world_is_refused(pushes):
    with pytest.raises(UsageError, match="no such arm"):
        pushes.outcomes(OPENED, arm="five_a_week")
    with pytest.raises(UsageError, match="event log"):
        pushes.truth((ColumnValue("revenue"),))
    assert pushes.outcomes(EventValue(("never_logged",), "count", (0, 14))).sum() == 0


def test_the_log_ends_where_the_world_says_and_begins_with_the_history():
    simulated = simulate(WORLDS["gamification"], seed=2)
    times = simulated.tables()["events"]["occurred_at"].to_pandas()
    assert times.max() < simulated.world.until
    assert (simulated.world.until - times.max()).total_seconds() < 3600
    assert times.is_monotonic_increasing
    exposed = simulated.tables()["exposures"]["exposed_at"].to_pandas()
    assert exposed.min() >= simulated.world.start
    assert exposed.max() < simulated.world.until < simulated.world.end


def test_every_user_is_exposed_once_and_opens_the_app_at_that_moment(pushes):
    frames = pushes.frames()
    assert frames["exposures"]["user_id"].is_unique
    opened = frames["events"].query("event == 'open'")
    met = frames["exposures"].merge(
        opened, left_on=["user_id", "exposed_at"], right_on=["user_id", "occurred_at"]
    )
    assert len(met) == len(frames["exposures"])


def test_only_events_with_an_amount_have_a_value_and_only_sessions_an_id(pushes):
    events = pushes.frames()["events"]
    assert set(events.loc[events["value"].notna(), "event"]) == {"purchase"}
    assert set(events.loc[events["session_id"].isna(), "event"]) == {"mute"}
    assert events.loc[events["event"] == "open", "session_id"].is_unique
