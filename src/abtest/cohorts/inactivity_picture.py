"""The picture of the inactivity alarm: how long gaps are, and the pooled threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.inactivity_gaps import ALL
from abtest.data.source import nearest_of
from abtest.errors import UsageError
from abtest.show.distribution_plot import ValueShares
from abtest.show.estimate_words import level_text
from abtest.show.numbers import count, percent
from abtest.show.plot_frame import Words, in_sentence
from abtest.show.share_steps import share_steps

if TYPE_CHECKING:
    from abtest.cohorts.inactivity_alarm import InactivityAlarm
    from abtest.show.drawing import Chart


def picture(found: InactivityAlarm, arm: str | None) -> Chart:
    """Return the distribution of gaps of all units, or of control and one treatment."""
    names = _names(found, arm)
    samples = [_sample(found, name) for name in names]
    said = [_said(found, name) for name in names]
    threshold = found.pooled_threshold
    share = f"{100 * found.asked.quantile:g}%"
    if threshold is not None:
        said.append(f"{share} of all gaps last at most {_days(threshold)}.")
    gaps = " ".join(_gaps(sample) for sample in samples)
    words = Words(
        heading=found.title,
        said=tuple(said),
        axis="Share of gaps at or below the length",
        below="Days from one active day to the next",
        caption=f"{found.title}. {' '.join(said)}",
        alt=f"{found.title}. {' '.join(said)} {gaps}",
    )
    mark = None if threshold is None else (float(threshold), f"{share} of all: {_days(threshold)}")
    notes = [f"{count(sample.units)} gap{'' if sample.units == 1 else 's'}" for sample in samples]
    return share_steps(words, list(zip(samples, notes, strict=True)), mark)


def _names(found: InactivityAlarm, arm: str | None) -> tuple[str, ...]:
    names = [str(name) for name in dict.fromkeys(found.table["arm"])]
    if names == [ALL]:
        return (ALL,)
    control, *treatments = names
    if arm is not None and arm not in treatments:
        raise UsageError(
            "There is no such treatment",
            given=f"arm={arm!r}",
            todo=nearest_of(arm, treatments, "treatments"),
            code="unknown_arm",
        )
    return control, arm or treatments[0]


def _sample(found: InactivityAlarm, name: str) -> ValueShares:
    own = found.gaps[found.gaps["arm"] == name]
    return ValueShares(
        name, own["days"].to_numpy(dtype=np.float64), own["gaps"].to_numpy(dtype=np.int64)
    )


def _said(found: InactivityAlarm, name: str) -> str:
    rows = found.table[(found.table["arm"] == name) & (found.table["threshold_from"] == "both")]
    row = rows.iloc[0]
    if not row["units"]:
        return f"No unit of {in_sentence(name)} has an active day."
    limits = f"{percent(row['lower'], 1)} to {percent(row['upper'], 1)}"
    many = row["units"] != 1
    return (
        f"{count(row['over'])} of {count(row['units'])} unit{'s' if many else ''} "
        f"{f'of {in_sentence(name)} ' if name != ALL else ''}"
        f"{'are' if many else 'is'} silent for longer than the threshold: "
        f"{percent(row['share'], 1)} ({level_text(found.confidence_level)} interval {limits})."
    )


def _gaps(sample: ValueShares) -> str:
    if not sample.units:
        return f"{in_sentence(sample.name)}: no gap."
    quantiles = ", ".join(
        f"{100.0 * share:g}% at most {_days(int(sample.quantile(share)))}"
        for share in (0.5, 0.75, 0.9, 0.99)
    )
    return f"Gaps of {in_sentence(sample.name)}: {quantiles}."


def _days(number: int) -> str:
    return f"{number:,} day{'' if number == 1 else 's'}"
