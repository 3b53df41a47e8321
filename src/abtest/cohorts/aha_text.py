"""What is said of behaviours that go with coming back, and the metric that tests one of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from abtest.cohorts.aha_counts import HALVES, Counted, Question
from abtest.cohorts.aha_ranking import PART_OF_OUTCOME, TOO_GOOD, behaviour_text, window_text
from abtest.cohorts.log import EventLog

if TYPE_CHECKING:
    import pandas as pd

ASSOCIATION = (
    "Association, not effect: units that stay anyway may do this too. Whether bringing units to it "
    "makes them stay only an experiment can say."
)


def notes_of(
    log: EventLog, asked: Question, found: Counted, candidates: pd.DataFrame
) -> tuple[str, ...]:
    """Return how to read the behaviours."""
    end = asked.window[1]
    what = "any event" if asked.outcome is None else ", ".join(asked.outcome)
    explored, held = (found.base[half] for half in HALVES)
    notes = [
        ASSOCIATION,
        f"Came back: {what} on {window_text(asked.window)} after the start, of 24 hours each; "
        f"behaviours are of the first {asked.landmark:g}. Of {found.started:,} units that started, "
        f"{found.watched:,} were watched for {end:g} days; the others do not count, whatever they "
        "did.",
        f"Chosen in {explored[0]:,} units, measured in {held[0]:,} others: what was best of many "
        "is not as good elsewhere. explored_ columns are of the first, all others of the second.",
        _landmark(asked, found),
    ]
    if log.arms is not None:
        notes.append(
            f"Only units of {log.arms.control}, from exposure on: what treatment changes must not "
            "define the metric that judges it. Take the metric to an experiment on other units."
        )
    else:
        notes.append(
            "Units count as new from the first start event in the log: those of before it look new."
        )
    notes += _flagged(asked, candidates)
    if not candidates["rank"].notna().any():
        notes.append("No behaviour goes with coming back.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)


def _landmark(asked: Question, found: Counted) -> str:
    if asked.alive is not None:
        return (
            f"Of them {found.alive:,} count: those with an event in the last {asked.alive:g} of "
            f"these {asked.landmark:g} days, so that units that had left are not among those "
            "without the behaviour."
        )
    return (
        f"{found.early:,} of {found.alive:,} units did nothing after the first of the "
        f"{asked.landmark:g} days. They are among those without the behaviour, which alone makes "
        "phi larger; alive_within leaves out units that had left."
    )


def _flagged(asked: Question, candidates: pd.DataFrame) -> list[str]:
    notes = []
    part = candidates[candidates["flag"] == PART_OF_OUTCOME]
    if len(part):
        names = ", ".join(sorted(set(part["event"])))
        notes.append(f"Not ranked, since they are part of the outcome: {names}.")
    good = candidates[candidates["flag"] == TOO_GOOD]
    if len(good):
        first = behaviour_text(*good[["event", "count", "days"]].iloc[0])
        notes.append(
            f"Too good to be true and not ranked, with phi above {asked.max_phi:g}: {len(good):,} "
            f"behaviour{'' if len(good) == 1 else 's'}, such as {first}. Look whether they are the "
            "outcome by another name."
        )
    return notes


def metric_text(event: str, count: int, days: float, role: str, mde: float | None) -> str:
    """Return a metric of an experiment file: the catalogue's ``aha_rate`` with event, k and d.

    Examples
    --------
    >>> print(metric_text("like", 3, 7.0, "primary", 0.05))
    # Found as an association: the experiment says whether it is more.
    [[metrics]]
    use = "aha_rate"
    title = "Aha moment"
    description = "like at least 3 times within 7 days"
    event = "like"
    at_least = 3
    window_days = [0, 7]
    role = "primary"
    mde = 0.05
    <BLANKLINE>
    """
    lines = [
        "# Found as an association: the experiment says whether it is more.",
        "[[metrics]]",
        'use = "aha_rate"',
        'title = "Aha moment"',
        f"description = {_quoted(behaviour_text(event, count, days))}",
        f"event = {_quoted(event)}",
        f"at_least = {count}",
        f"window_days = [0, {days:g}]",
        f'role = "{role}"',
    ]
    if mde is not None:
        lines.append(f"mde = {mde:g}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
