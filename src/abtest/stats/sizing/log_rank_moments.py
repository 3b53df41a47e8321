"""What the log-rank score and Cox's information are expected to be, per unit of both arms."""

from __future__ import annotations

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.sizing.watched_times import Risk

_MOST = 4_000_000
"""Numbers in one table of rows and steps."""


def log_rank_moments(risk: Risk, ratio: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the log-rank z for one unit, shape (r,).

    With n units the mean is root n times as large; z is positive where treatment has more
    events than expected.

    Parameters
    ----------
    risk
        Control.
    ratio
        Hazard of treatment over that of control.
    share
        Of treatment among the units.

    Notes
    -----
    The score is a sum over units of xi = c d - sum c y L, with d whether the unit has the event
    at a time and y whether it is at risk, c = 1 - p in treatment and -p in control, p the share of
    treatment among those at risk and L their joint hazard (Yung & Liu 2020, Biometrics 76, 939,
    section 3). Its expected variance in the test is the sum of D p (1 - p) (1 - D / Y).
    """
    rows = max(1, _MOST // max(risk.at_risk.size, 1))
    ratio, share = np.broadcast_arrays(ratio, share)
    parts = [
        _moments(risk, ratio[first : first + rows], share[first : first + rows])
        for first in range(0, ratio.size, rows)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _moments(risk: Risk, ratio: Floats, share: Floats) -> tuple[Floats, Floats]:
    at_risk, events, _ = _arms(risk, ratio, share)
    everyone, all_events = at_risk[0] + at_risk[1], events[0] + events[1]
    some = everyone > 0.0
    safe = np.where(some, everyone, 1.0)
    p, joint = at_risk[1] / safe, all_events / safe
    mean = (events[1] - all_events * p).sum(axis=1)
    judged = all_events * p * (1.0 - p) * (1.0 - joint if risk.tied else 1.0)
    variance = np.zeros(ratio.shape)
    for arm, weight in enumerate((1.0 - share, share)):
        c = arm - p
        drift = np.cumsum(c * joint, axis=1)
        middle = drift - c * joint / 2.0
        seen = drift if risk.tied else middle
        centre = (c * (events[arm] - at_risk[arm] * joint)).sum(axis=1) / weight
        square = events[arm] * (c * c - 2.0 * c * seen) + 2.0 * at_risk[arm] * c * joint * middle
        variance += square.sum(axis=1) - weight * centre * centre
    error = np.sqrt(np.maximum(judged.sum(axis=1), 1e-300))
    return mean / error, np.sqrt(np.maximum(variance, 1e-300)) / error


def cox_information(risk: Risk, ratio: Floats, share: Floats) -> Floats:
    """Return the expected information about the logarithm of the hazard ratio of one unit.

    At each step both arms tell of it i = y H^2 (1 - h) / h, with H = -log(1 - h), and together
    i0 i1 / (i0 + i1): where hazards are small, the product of the arms' events over their sum.

    Parameters
    ----------
    risk, ratio, share
        As in `log_rank_moments`.
    """
    rows = max(1, _MOST // max(risk.at_risk.size, 1))
    ratio, share = np.broadcast_arrays(ratio, share)
    return np.concatenate(
        [
            _information(risk, ratio[first : first + rows], share[first : first + rows])
            for first in range(0, ratio.size, rows)
        ]
    )


def _information(risk: Risk, ratio: Floats, share: Floats) -> Floats:
    at_risk, events, hazards = _arms(risk, ratio, share)
    if not risk.tied:
        told = events
    else:
        logs = [-risk.log_left, -ratio[:, None] * risk.log_left]
        told = [
            y * log * log * (1.0 - h) / np.where(h > 0.0, h, 1.0)
            for y, log, h in zip(at_risk, logs, hazards, strict=True)
        ]
    both = told[0] + told[1]
    product = told[0] * (told[1] / np.where(both > 0.0, both, 1.0))
    return np.asarray(product.sum(axis=1))


def _arms(
    risk: Risk, ratio: Floats, share: Floats
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Return units at risk, events and hazards of (control, treatment), shape (r, k) each."""
    weights = (1.0 - share)[:, None], share[:, None]
    found = [risk.of(np.ones(1)), risk.of(ratio)]
    at_risk = [w * y for w, (y, _) in zip(weights, found, strict=True)]
    hazards = [h for _, h in found]
    return at_risk, [y * h for y, h in zip(at_risk, hazards, strict=True)], hazards
