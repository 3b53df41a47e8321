"""The tables of a simulated experiment as an analyst would find them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from abtest.simulate.log import Log, event_names
from abtest.simulate.rhythm import Ints
from abtest.simulate.users import Flags, Users
from abtest.simulate.world import World

FIRST_USER_ID = 100_001


def observed_tables(world: World, people: Users, log: Log, happened: Flags) -> dict[str, pa.Table]:
    """Return Arrow tables `users`, `exposures` and `events`, the latter two ordered by time."""
    ids = np.arange(FIRST_USER_ID, FIRST_USER_ID + len(people))
    exposed = np.argsort(people.exposed_at, kind="stable")
    seen = np.flatnonzero(happened)
    seen = seen[np.argsort(log.time[seen], kind="stable")]
    value, session = log.value[seen], log.session[seen]
    users = {
        "user_id": ids,
        **{name: pa.array(column, pa.string()) for name, column in people.attributes.items()},
        "signed_up_at": _times(people.signed_up_at),
    }
    exposures = {
        "user_id": ids[exposed],
        "variant": _names(world.arms, people.variant[exposed]),
        "exposed_at": _times(people.exposed_at[exposed]),
    }
    events = {
        "user_id": ids[log.user[seen]],
        "occurred_at": _times(log.time[seen]),
        "event": _names(event_names(world), log.event[seen]),
        "value": pa.array(value, mask=np.isnan(value)),
        "session_id": pa.array(session, mask=session == 0),
    }
    return {
        "users": pa.table(users),
        "exposures": pa.table(exposures),
        "events": pa.table(events),
    }


def _times(times: Ints) -> pa.Array:
    return pa.array(times).cast(pa.timestamp("us", tz="UTC"))


def _names(names: tuple[str, ...], index: NDArray[np.int8]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(names)).cast(pa.string())
