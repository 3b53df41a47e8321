"""Who takes part: activity, attributes, arm and time of exposure of every simulated user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from abtest.errors import UsageError
from abtest.simulate.rhythm import DAY, Floats, Ints, enrolment_times, microseconds
from abtest.simulate.world import Attribute, World

Flags = NDArray[np.bool_]

MEAN_DAYS_SINCE_SIGNUP = 200.0


@dataclass(frozen=True, eq=False)
class Users:
    """The users of one world, one entry per user.

    `activity_rank` and `inclination` are uniform on 0 to 1: how active a user is compared
    with the others, and how inclined to what happens within sessions. `activity` has mean 1.
    `variant` is an index into the arms. Times are microseconds since 1970.
    """

    activity_rank: Floats
    activity: Floats
    inclination: Floats
    is_new: Flags
    signed_up_at: Ints
    exposed_at: Ints
    variant: NDArray[np.int8]
    attributes: Mapping[str, NDArray[np.object_]]

    def __len__(self) -> int:
        """Return the number of users."""
        return int(self.variant.size)


def stream(world: World, seed: int, part: str) -> np.random.Generator:
    """Return the random numbers of one part of one world.

    Each part has numbers of its own, so that the arms are drawn independently of everything
    that users do, and a new kind of event changes none of the others.
    """
    if seed < 0:
        raise UsageError(
            "A seed is a whole number of at least 0",
            given=f"seed = {seed}",
            todo="Pass 0 or more",
            code="negative_seed",
        )
    key = (crc32(world.name.encode()), crc32(part.encode()))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def draw_users(world: World, seed: int) -> Users:
    """Return the users of `world`, the same for the same seed."""
    count = world.users
    person = stream(world, seed, "person")
    rank = person.random(count)
    is_new = person.random(count) < world.new_users
    shape = world.activity.shape
    exposed = enrolment_times(
        stream(world, seed, "enrolment"),
        (microseconds(world.start), microseconds(world.enrolment_end)),
        world.activity.weekdays,
        world.activity.hours,
        count,
    )
    age_days = world.activity.before_days + person.exponential(MEAN_DAYS_SINCE_SIGNUP, count)
    signed_up = np.where(is_new, exposed, exposed - (age_days * DAY).astype(np.int64))
    cuts = np.cumsum(world.shares)[:-1]
    variant = np.searchsorted(cuts, stream(world, seed, "assignment").random(count), side="right")
    return Users(
        activity_rank=rank,
        activity=np.asarray(gammaincinv(shape, rank) / shape),
        inclination=person.random(count),
        is_new=is_new,
        signed_up_at=signed_up,
        exposed_at=exposed,
        variant=variant.astype(np.int8),
        attributes={
            attribute.name: _values(attribute, rank, stream(world, seed, attribute.name))
            for attribute in world.attributes
        },
    )


def _values(attribute: Attribute, rank: Floats, rng: np.random.Generator) -> NDArray[np.object_]:
    first = attribute.shares[0] + attribute.tilt * (rank - 0.5)
    others = np.asarray(attribute.shares[1:]) / np.sum(attribute.shares[1:])
    index = 1 + np.searchsorted(np.cumsum(others)[:-1], rng.random(rank.size), side="right")
    index[rng.random(rank.size) < first] = 0
    return np.array(attribute.values, dtype=object)[index]
