"""The six worlds of the demo: what is true in each, and so which verdict is right.

Sizes were chosen by the normal approximation, for 25,000 users an arm (16,667 in push_dose),
with z the true effect or margin over its standard error:

==================  ===========================================================  ============
world               what decides                                                 right verdict
==================  ===========================================================  ============
onboarding_steps    activation .36 -> .389: z = 6.7; sessions margin 8%: z > 10  ship
push_dose           mutes .03 -> .0405 and .045, each z > 5 against no harm      do_not_ship
gamification        the log ends before enrolment does                           keep_running
signup_friction     47/53 where 50/50 was planned: z = 13                        invalid
feature_removal     no effect; active days margin 7%: z > 6;                     ship
                    tickets .05, margin 20%: z = 5.1
loyalty_programme   repeat purchase z > 5; refunds and support cost vary 14 and  inconclusive
                    10 times their means, so margins of 5% are z = 0.4 and 0.6
==================  ===========================================================  ============

A guardrail of power q passes and one without effect is found harmed with probability 0.025,
so loyalty_programme is inconclusive in about 94 of 100 repetitions, the others in 99 or more.

Quantiles, times, scores and cumulative means are shown beside and decide nothing. With U uniform,
an activation is after 7 U^2 days, so that a share p of users who activate makes 7 - 14 p / 3 days
on average, those without it counted as 7. What is true in a world with any number of users:

==================  ====================================================  ========  =========
world               shown beside                                          control   treatment
==================  ====================================================  ========  =========
onboarding_steps    mean days to activation, of 7                         5.320     5.186
onboarding_steps    mean answer, 1 to 5: ease (a quarter answers)         3.64      3.77
loyalty_programme   net promoter score (a fifth answers)                  30        36
loyalty_programme   revenue per user up to day 42                                   18% more
loyalty_programme   95th percentile of spend in 28 days                             13% more
==================  ====================================================  ========  =========
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from abtest.simulate.world import Activity, Amount, Occurrence, SessionEvent, Survey, World

DEMO_SEED = 2026
"""The seed of the data that `abtest demo` writes: an ordinary draw, every deciding interval holds
the truth."""

DEMO_USERS = 50_000
"""Users of each experiment."""

ACTION = SessionEvent("action", rate=0.6, tilt=0.5)
PURCHASE = SessionEvent("purchase", rate=0.04, tilt=0.8, amount=Amount(median=18.0, sigma=0.8))


def demo_worlds(users: int = DEMO_USERS) -> Mapping[str, World]:
    """Return the six worlds by the names of their experiments."""
    return {make.__name__: make(users) for make in _MAKERS}


def onboarding_steps(users: int) -> World:
    """Return new users, of whom the shorter onboarding activates 8% more."""
    return World(
        name="onboarding_steps",
        arms=("five_steps", "two_steps"),
        shares=(0.5, 0.5),
        start=_day(1, 6),
        end=_day(2, 3),
        until=_day(2, 17),
        users=users,
        new_users=1.0,
        session_events=(ACTION,),
        occurrences=(
            Occurrence("activated", 0.36, within_days=7, effects=(0.08,), tilt=0.6),
            Occurrence("support_ticket", 0.04, within_days=7),
        ),
        surveys=(
            Survey(
                "ease_rating",
                answered=0.25,
                within_days=7,
                lowest=1,
                shares=((0.05, 0.10, 0.25, 0.36, 0.24), (0.04, 0.08, 0.23, 0.37, 0.28)),
            ),
        ),
    )


def push_dose(users: int) -> World:
    """Return existing users, whom more pushes bring back a little and annoy a lot."""
    return World(
        name="push_dose",
        arms=("none", "three_a_week", "seven_a_week"),
        shares=(0.3334, 0.3333, 0.3333),
        start=_day(2, 3),
        end=_day(3, 3),
        until=_day(3, 17),
        users=users,
        activity=Activity(effects=(0.06, 0.08)),
        session_events=(ACTION, PURCHASE),
        occurrences=(Occurrence("mute", 0.03, within_days=14, effects=(0.35, 0.50)),),
    )


def gamification(users: int) -> World:
    """Return existing users, more active with streaks; enrolment goes on after the log's end."""
    return World(
        name="gamification",
        arms=("control", "streaks"),
        shares=(0.5, 0.5),
        start=_day(3, 3),
        end=_day(4, 14),
        until=_day(3, 31),
        users=users,
        activity=Activity(effects=(0.05,)),
        session_events=(ACTION, PURCHASE),
        occurrences=(Occurrence("unsubscribe", 0.05, within_days=14, tilt=-0.5),),
    )


def signup_friction(users: int) -> World:
    """Return visitors; some with the short form are never logged, so its share is too small."""
    return World(
        name="signup_friction",
        arms=("long_form", "short_form"),
        shares=(0.53, 0.47),
        start=_day(4, 7),
        end=_day(4, 28),
        until=_day(5, 12),
        users=users,
        new_users=1.0,
        session_events=(ACTION,),
        occurrences=(
            Occurrence("signup_completed", 0.42, within_days=1, effects=(0.06,), tilt=0.4),
            Occurrence("support_ticket", 0.04, within_days=7),
        ),
    )


def feature_removal(users: int) -> World:
    """Return existing users, who do not miss the feature."""
    return World(
        name="feature_removal",
        arms=("with_feature", "without_feature"),
        shares=(0.5, 0.5),
        start=_day(4, 7),
        end=_day(4, 28),
        until=_day(5, 26),
        users=users,
        session_events=(ACTION, PURCHASE),
        occurrences=(Occurrence("support_ticket", 0.05, within_days=28, tilt=0.6, before=True),),
    )


def loyalty_programme(users: int) -> World:
    """Return existing users, who buy more in the club; what it costs varies too much to tell."""
    return World(
        name="loyalty_programme",
        arms=("no_club", "club"),
        shares=(0.5, 0.5),
        start=_day(5, 5),
        end=_day(5, 26),
        until=_day(6, 23),
        users=users,
        new_users=0.1,
        session_events=(
            ACTION,
            SessionEvent(
                "purchase", 0.05, effects=(0.18,), tilt=0.8, amount=Amount(median=18.0, sigma=0.8)
            ),
        ),
        occurrences=(
            Occurrence(
                "refund", 0.02, within_days=28, amount=Amount(median=20.0, sigma=1.2), before=True
            ),
            Occurrence(
                "support_contact",
                0.03,
                within_days=28,
                tilt=0.5,
                amount=Amount(median=6.0, sigma=1.0),
                before=True,
            ),
        ),
        surveys=(
            Survey(
                "recommendation",
                answered=0.20,
                within_days=28,
                lowest=0,
                shares=(
                    (0.02, 0.01, 0.01, 0.02, 0.03, 0.06, 0.05, 0.12, 0.18, 0.22, 0.28),
                    (0.02, 0.01, 0.01, 0.02, 0.02, 0.05, 0.04, 0.12, 0.18, 0.23, 0.30),
                ),
            ),
        ),
    )


_MAKERS: tuple[Callable[[int], World], ...] = (
    onboarding_steps,
    push_dose,
    gamification,
    signup_friction,
    feature_removal,
    loyalty_programme,
)


def _day(month: int, day: int) -> datetime:
    return datetime(2025, month, day, tzinfo=UTC)
