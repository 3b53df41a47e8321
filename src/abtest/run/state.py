"""What is known of an experiment's last run: fresh, stale and why, failed, or never run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from abtest.run.key import RunKey
from abtest.run.record import FAILED, RunRecord, is_whole, read_record, read_verdict
from abtest.run.task import VERDICT

Freshness = Literal["fresh", "stale", "failed", "never"]


@dataclass(frozen=True)
class State:
    """The last result of an experiment and what speaks against using it.

    `reasons` are in words; they are empty when `freshness` is ``fresh``. `failed` is the
    record of the last run if that failed; `document` and `record` are the last good result,
    which a failed run leaves in place.
    """

    freshness: Freshness
    reasons: tuple[str, ...]
    document: dict[str, Any] | None
    record: RunRecord | None
    failed: RunRecord | None


def last_state(folder: Path, key: RunKey | None, timezone: str, now: datetime) -> State:
    """Return the state of the results in `folder` compared with what a run would use now.

    `key` None means that the experiment cannot be read now: then what is there is stale.
    """
    failed = read_record(folder / FAILED)
    record = read_record(folder)
    document = read_verdict(folder / VERDICT)
    reasons = _reasons(folder, key, record, document)
    if not reasons and record is not None and document is not None:
        reasons = _day_passed(record, document, timezone, now)
    if failed is not None:
        words = failed.failure.what if failed.failure else failed.status
        return State("failed", (words, *reasons), document, record, failed)
    if record is None and document is None:
        return State("never", ("never run",), None, None, None)
    return State("stale" if reasons else "fresh", reasons, document, record, None)


def _reasons(
    folder: Path, key: RunKey | None, record: RunRecord | None, document: dict[str, Any] | None
) -> tuple[str, ...]:
    if document is None:
        return ("no valid verdict.json",)
    if record is None or record.key is None:
        return ("no run.json says what the verdict was made from",)
    if not is_whole(folder, record):
        return ("the files in the folder are not those of one run",)
    if key is None:
        return ("the experiment cannot be read now",)
    return key.changes(record.key)


def _day_passed(
    record: RunRecord, document: dict[str, Any], timezone: str, now: datetime
) -> tuple[str, ...]:
    """Return a reason when data of the next day may be believed by now.

    Without an explicit as_of it is a midnight that depends on the clock: the one after the
    latest time in the data, once that has passed. A result made before the midnight that
    follows its as_of can therefore be out of date although no input changed.
    """
    if record.key is None or record.key.as_of is not None or document["as_of"] is None:
        return ()
    zone = ZoneInfo(timezone)
    as_of = datetime.fromisoformat(document["as_of"])
    if as_of.tzinfo is None:
        as_of = as_of.replace(tzinfo=zone)
    # Added on the wall clock of the zone: days of 23 or 25 hours end at midnight too.
    next_midnight = (as_of.astimezone(zone) + timedelta(days=1)).astimezone(UTC)
    if datetime.fromisoformat(record.started) < next_midnight <= now:
        return ("a day has passed: later data may count now",)
    return ()
