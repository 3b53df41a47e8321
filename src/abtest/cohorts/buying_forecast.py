"""What a model of buying foretells, beside what was bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abtest.cohorts.buying_histories import Histories, Question
from abtest.cohorts.periods import first_date
from abtest.stats import (
    BgNbdFit,
    GammaGammaFit,
    Moments,
    NotEstimable,
    fit_bg_nbd,
    fit_gamma_gamma,
    ratio_of_totals,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
MOST = 7
"""So many purchase days and more are one class."""
LOOSE = (
    "These data do not fix every parameter: they hardly tell rare buyers from those who left. Do "
    "not read single parameters or probabilities of still buying."
)


@dataclass(frozen=True, eq=False)
class Models:
    """The fitted models; `values` is None where there is none, with the reason as `why`."""

    purchases: BgNbdFit
    values: GammaGammaFit | None
    why: str
    correlation: float


def models_of(found: Histories, asked: Question) -> Models:
    """Return the models fitted to what is known before the hold-out.

    Raises
    ------
    NotEstimable
        As `abtest.stats.fit_bg_nbd`.
    """
    known = found.known
    purchases = fit_bg_nbd(
        known["x"], known["last"] / asked.period, known["age"] / asked.period, known["units"]
    )
    values, why = None, ""
    x, units = found.values["x"], found.values["units"]
    means = found.values["total"] / np.maximum(x * units, 1.0)
    if not found.has_values:
        why = "The log has no values."
    else:
        try:
            values = fit_gamma_gamma(x, means, units)
        except NotEstimable as error:
            why = f"There is no model of values: {error.what[0].lower()}{error.what[1:]}."
        else:
            if values.q <= 1.0:
                values, why = None, "There is no model of values: their tail is too heavy (q <= 1)."
    return Models(purchases, values, why, _correlation(x, means, units))


def _correlation(x: Floats, means: Floats, units: Floats) -> float:
    n = units.sum()
    if n < 3.0 or np.ptp(x) == 0.0 or np.ptp(means) == 0.0:
        return float("nan")
    apart = [column - (units * column).sum() / n for column in (x, means)]
    both, *own = ((units * a * b).sum() for a, b in (apart, (apart[0],) * 2, (apart[1],) * 2))
    return float(both / np.sqrt(own[0] * own[1]))


def holdout_table(
    found: Histories, asked: Question, model: BgNbdFit, confidence_level: float
) -> pd.DataFrame:
    """Return purchase days in the hold-out as foretold and as they were, by those before it."""
    import pandas as pd

    known = found.known
    ahead = (found.end - found.calibration) / asked.period
    told = model.conditional_expected_purchases(
        ahead, known["x"], known["last"] / asked.period, known["age"] / asked.period
    )
    groups = [(str(k), known["x"] == k) for k in range(MOST)]
    groups.append((f"{MOST}+", known["x"] >= MOST))
    groups.append(("all", known["x"] >= 0.0))
    rows: list[dict[str, Any]] = []
    for name, own in groups:
        units = float(known["units"][own].sum())
        if not units:
            continue
        actual = float(known["ahead"][own].sum())
        squares = float(known["ahead_squared"][own].sum())
        rows.append(
            {
                "frequency": name,
                "units": int(units),
                "predicted": float((known["units"] * told)[own].sum()) / units,
                "actual": actual / units,
            }
            | _limits(units, actual, squares, confidence_level)
        )
    return pd.DataFrame(rows)


def _limits(units: float, total: float, squares: float, level: float) -> dict[str, float]:
    """Return the interval of a mean by Student's t: a ratio to 1 per unit."""
    mean = np.array([total / units, 1.0])
    spread = np.array([[max(squares - total * total / units, 0.0), 0.0], [0.0, 0.0]])
    try:
        answer = ratio_of_totals(Moments(int(units), mean, spread), confidence_level=level)
    except NotEstimable:
        return {"lower": np.nan, "upper": np.nan}
    return {
        "lower": np.nan if answer.lower is None else answer.lower,
        "upper": np.nan if answer.upper is None else answer.upper,
    }


def tracking_table(found: Histories, asked: Question, model: BgNbdFit) -> pd.DataFrame:
    """Return purchase days so far at the end of every period, as foretold and as they were."""
    import pandas as pd

    whole = found.end - found.first
    ends = np.arange(1, int(whole // asked.period) + 1) * asked.period
    starts = found.calibration - 1 - found.known["age"] - found.first
    by_start = np.bincount(starts.astype(np.int64), found.known["units"], minlength=whole)
    per_day = np.bincount(
        (found.days["day"] - found.first).astype(np.int64), found.days["n"], minlength=whole
    )
    so_far = np.concatenate([[0.0], np.cumsum(per_day)])
    mean = model.expected_purchases(np.arange(whole) / asked.period)
    last = np.floor(ends).astype(np.int64)
    told = [float(by_start[:day] @ mean[:day][::-1]) for day in last]
    actual = so_far[last]
    return pd.DataFrame(
        {
            "period": np.arange(1, len(ends) + 1),
            "end": [first_date(found.first + int(day), "day") for day in last],
            "predicted": told,
            "actual": actual,
            "holdout": last + found.first > found.calibration,
        }
    )


def frequency_table(found: Histories, asked: Question, model: BgNbdFit) -> pd.DataFrame:
    """Return units by purchase days before the hold-out, as they were and as the model has them."""
    import pandas as pd

    ages, where = np.unique(found.known["age"], return_inverse=True)
    units = np.bincount(where, found.known["units"])
    told = [
        float(units @ model.probability_of_purchases(np.full(ages.size, k), ages / asked.period))
        for k in range(MOST)
    ]
    actual = [float(found.known["units"][found.known["x"] == k].sum()) for k in range(MOST)]
    total = float(units.sum())
    return pd.DataFrame(
        {
            "frequency": [*(str(k) for k in range(MOST)), f"{MOST}+"],
            "actual": np.array([*actual, total - sum(actual)]).astype(np.int64),
            "predicted": [*told, total - sum(told)],
        }
    )


def prediction_table(found: Histories, asked: Question, models: Models) -> pd.DataFrame:
    """Return purchase days and value per unit in the time ahead: of a new unit, of those known."""
    import pandas as pd

    ahead, whole, model = asked.horizon / asked.period, found.whole, models.purchases
    history = whole["x"], whole["last"] / asked.period, whole["age"] / asked.period
    units = whole["units"]
    told = model.conditional_expected_purchases(ahead, *history)
    new = float(model.expected_purchases([ahead])[0])
    each = value_new = value = float("nan")
    if models.values is not None:
        each = models.values.mean_value
        value_new = new * each
        # the expected value of a purchase is linear in a unit's mean: totals are enough
        p, q, v = models.values.parameters
        worth = p * (units * v + whole["total"]) / (p * whole["x"] + q - 1.0)
        value = float((told * worth).sum() / units.sum())
    bought = float((units * told).sum() / units.sum())
    return pd.DataFrame(
        {
            "units": ["a new unit", "units of the log"],
            "n": [1, int(units.sum())],
            "days": [asked.horizon] * 2,
            "alive": [1.0, float((units * model.probability_alive(*history)).sum() / units.sum())],
            "purchases": [new, bought],
            "value_per_purchase": [each, value / bought if bought else np.nan],
            "value": [value_new, value],
        }
    )
