"""A model of buying: who will buy again, how often, and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, Unpack, get_args

import numpy as np

from abtest.cohorts.buying_forecast import (
    LOOSE,
    Models,
    frequency_table,
    holdout_table,
    models_of,
    prediction_table,
    tracking_table,
)
from abtest.cohorts.buying_histories import (
    Histories,
    Question,
    calibration_date,
    histories_of,
)
from abtest.cohorts.choices import is_above, level_choice, refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import first_date
from abtest.cohorts.result import CohortResult

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.stats import BgNbdFit, GammaGammaFit

BuyingPicture = Literal["tracking", "frequency", "alive"]
LARGE_CORRELATION = 0.2
"""Above it values hang on frequencies more than the model allows."""


@dataclass(frozen=True, eq=False, repr=False)
class BuyingModel(CohortResult):
    """A model of buying, as `buying_model` returns it.

    Attributes
    ----------
    table
        The hold-out, one row per frequency before it and one for ``all``: frequency, units,
        predicted and actual purchase days per unit in the hold-out, lower, upper (of actual).
    differences
        None: the model is not for comparing arms.
    tracking
        Purchase days after the first so far, at the end of each period: period, end (the day after
        it), predicted, actual, holdout.
    frequency
        Units by purchase days after the first, before the hold-out: frequency, actual, predicted.
    predictions
        What is ahead, of a new unit and of the units of the log on average: units, n, days, alive
        (probability), purchases, value_per_purchase, value. Values are null without a model of
        values.
    purchases
        The fitted BG/NBD model, in periods.
    values
        The fitted Gamma-Gamma model; None where there is none.
    correlation
        Of frequency and mean value, over units that bought again. The model takes it for 0.
    calibration_end
        First day of the hold-out.
    """

    tracking: pd.DataFrame
    frequency: pd.DataFrame
    predictions: pd.DataFrame
    purchases: BgNbdFit
    values: GammaGammaFit | None
    correlation: float
    calibration_end: date
    age: float
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" ({', '.join(self.asked.purchase)})" if self.asked.purchase else ""
        return f"Model of buying{of}"

    def plot(self, what: BuyingPicture = "tracking") -> Chart:
        """Return a picture of the model beside what was bought.

        Parameters
        ----------
        what
            ``tracking``: purchase days so far, before and in the hold-out. ``frequency``: how many
            units bought how often. ``alive``: the probability of still buying, by how often a unit
            bought and how long ago.

        Raises
        ------
        UsageError
            ``bad_choice``.
        """
        from abtest.cohorts.buying_model_picture import alive, frequency, tracking

        todo = "tracking, frequency or alive"
        refuse([(what not in get_args(BuyingPicture), "what", what, todo)])
        return {"tracking": tracking, "frequency": frequency, "alive": alive}[what](self)


def buying_model(
    events: LogTable,
    *,
    purchase: str | Sequence[str] | None = None,
    period_days: float = 7.0,
    calibration_end: str | date | datetime | None = None,
    horizon: float = 365.0,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> BuyingModel:
    """Return a model of who buys again, checked on days it was not fitted to.

    A BG/NBD model of purchase days and a Gamma-Gamma model of their values are fitted to the log
    before `calibration_end`, and foretell what comes after it.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    purchase
        Events that are purchases; left out: any event.
    period_days
        Days of the unit of time in which rates are given and tracking is drawn.
    calibration_end
        First day of the hold-out; left out: the middle of the log.
    horizon
        Days to foretell.
    confidence_level
        Of intervals of what was bought.
    **options
        How the log is read, see `LogOptions`. Exposures are refused: what a treatment changes
        must not enter the model that is to judge it, and fitted to each arm by itself the model
        hides differences that its assumptions do not have. Compare arms by `lifetime_value`.

    Raises
    ------
    UsageError
        ``bad_choice``, ``bad_time``.
    NotEstimable
        ``no_events`` if nobody bought again before the hold-out, ``too_few_units``.
    DataError
        ``unknown_event``, ``no_events`` and what `open_log` raises.

    Notes
    -----
    Frequency is the number of calendar days with a purchase after the first such day; recency the
    time from the first to the last of them, age that from the first to the last day before the
    hold-out. (Recency is not the time since the last purchase, as other segmentations have it.)
    Fader, Hardie & Lee 2005 (Marketing Science 24, 275); Fader & Hardie 2013 (The Gamma-Gamma
    model of monetary value). Values are those of the days after the first, and enter the fit by
    classes 0.1% wide.

    Examples
    --------
    >>> import pandas as pd
    >>> days = [(f"u{u}", d) for u in range(60) for d in range(0, 60) if (d * (u % 7)) % 60 < u % 7]
    >>> log = pd.DataFrame(days, columns=["user_id", "time"])
    >>> log["time"] = pd.Timestamp("2026-01-05") + pd.to_timedelta(log["time"], "D")
    >>> found = buying_model(log)
    >>> found.calibration_end.isoformat(), found.frequency["actual"].sum().item()
    ('2026-01-31', 51)
    """
    log = open_log(events, **options)
    refuse(
        [
            (log.arms is not None, "exposures", log.label, "the log without exposures"),
            (not is_above(period_days), "period_days", period_days, "more than 0 days"),
            (not is_above(horizon), "horizon", horizon, "more than 0 days"),
            level_choice(confidence_level),
        ]
    )
    log.require(purchase)
    asked = Question(
        None if purchase is None else names_of(purchase),
        float(period_days),
        float(horizon),
        calibration_date(calibration_end),
    )
    found = histories_of(log, asked)
    models = models_of(found, asked)
    return BuyingModel(
        table=holdout_table(found, asked, models.purchases, confidence_level),
        differences=None,
        notes=_notes(log, asked, found, models),
        tracking=tracking_table(found, asked, models.purchases),
        frequency=frequency_table(found, asked, models.purchases),
        predictions=prediction_table(found, asked, models),
        purchases=models.purchases,
        values=models.values,
        correlation=models.correlation,
        calibration_end=first_date(found.calibration, "day"),
        age=(found.calibration - 1 - found.first) / asked.period,
        asked=asked,
        confidence_level=confidence_level,
    )


def _notes(log: EventLog, asked: Question, found: Histories, models: Models) -> tuple[str, ...]:
    units = int(found.known["units"].sum())
    notes = [
        "A purchase is a day with one: two on a day count once. The first day of a unit is its "
        f"start and not counted. Times are in periods of {asked.period:g} days.",
        f"Fitted to {units:,} units and the days before {first_date(found.calibration, 'day')}; "
        f"the hold-out are the {found.end - found.calibration:,} days from there. "
        f"{found.later:,} units began later and are in the predictions only.",
        "Units count as new from their first purchase in the log: those that bought before it "
        "begins look new.",
        f"{models.purchases} {_errors(models.purchases)}",
    ]
    if models.values is not None:
        notes.append(f"Values: {models.values}")
    if models.why:
        notes.append(models.why)
    if np.isfinite(models.correlation):
        notes.append(_correlation_note(models.correlation))
    if found.has_values and found.worthless:
        notes.append(
            f"{found.worthless:,} units with purchases of 0 or less in sum are not in the model of "
            "values."
        )
    notes += [
        "Predictions take buying for as steady as before: no season, no campaign, no price. They "
        "have no interval, for what is uncertain is the model more than its parameters; look at "
        "the hold-out.",
        "Not for experiments: a model's score is no outcome of a unit.",
    ]
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)


def _errors(model: BgNbdFit) -> str:
    if model.covariance is None:
        return LOOSE
    pairs = zip(model.NAMES, model.standard_errors, strict=True)
    return f"Standard errors: {', '.join(f'{name} {error:.3g}' for name, error in pairs)}."


def _correlation_note(correlation: float) -> str:
    said = f"Correlation of frequency and mean value: {correlation:.3f}. "
    if abs(correlation) <= LARGE_CORRELATION:
        return said + "The model of values takes it for 0."
    return said + (
        "That is not small, and the model of values takes it for 0: its values are wrong for units "
        "that buy much or little."
    )
