"""A world that cannot be is refused before anything is drawn."""

from dataclasses import replace

import pytest

from abtest.errors import UsageError
from abtest.simulate import Activity, Occurrence, Survey, demo_worlds

WORLD = demo_worlds(users=100)["push_dose"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arms": ("none",)}, "fewer than two"),
        ({"shares": (0.5, 0.5)}, "not one per arm"),
        ({"shares": (0.5, 0.4, 0.2)}, "sum is not 1"),
        ({"users": 0}, "fewer than one"),
        ({"new_users": 1.2}, "not in 0 to 1"),
        ({"end": WORLD.start}, "not after start"),
        ({"until": WORLD.start}, "too early"),
        ({"activity": Activity(effects=(0.1,))}, "not one per treatment"),
        ({"occurrences": (Occurrence("mute", 0.6, 7, tilt=0.8),)}, "above 1"),
        ({"surveys": (Survey("ask", 0.2, 7, 1, ((0.5, 0.5),) * 2),)}, "not a row per arm"),
        ({"surveys": (Survey("ask", 0.2, 7, 1, ((1.0,), (0.5, 0.5), (1.0,))),)}, "lengths"),
        ({"surveys": (Survey("ask", 0.2, 7, 1, ((0.5, 0.4),) * 3),)}, "no distribution"),
        ({"surveys": (Survey("ask", 0.2, 7, 1, ((1.5, -0.5),) * 3),)}, "no distribution"),
        ({"surveys": (Survey("ask", 1.2, 7, 1, ((0.5, 0.5),) * 3),)}, "answered = 1.2"),
    ],
)
def test_an_impossible_world_is_refused_with_what_is_wrong(change, said):
    with pytest.raises(UsageError) as refused:
        replace(WORLD, **change)
    assert said in refused.value.given


def test_the_probability_of_an_occurrence_is_known_without_drawing_anyone():
    assert WORLD.probabilities("mute") == pytest.approx((0.03, 0.03 * 1.35, 0.03 * 1.5))
