"""Priors that a reader can name: of the effect, of a share, of a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of, require_positive

PriorScale = Literal["absolute", "relative"]
"""Whether an effect is treatment - control, or the same over control's size."""


_LEAST, _MOST = 1e-12, 1e15
"""Priors worth less or more units than these are as good as improper, or as certainty."""


@dataclass(frozen=True)
class NormalPrior:
    """What is believed of the effect before the data, as a normal distribution.

    Attributes
    ----------
    mean
        Centre, in the unit of the metric, or as a share of control.
    sd
        Standard deviation in the same unit; finite and above 0. A flat prior is no
        `NormalPrior`: give no prior at all.
    scale
        ``relative``: of the effect over control's size; ``absolute``: of treatment - control.

    Examples
    --------
    >>> NormalPrior(sd=0.3).on_difference(20.0)
    (0.0, 6.0)
    """

    mean: float = 0.0
    sd: float = 0.3
    scale: PriorScale = "relative"

    def __post_init__(self) -> None:
        """Refuse what is no proper prior."""
        require_one_of(self.scale, {"absolute", "relative"}, "scale of a prior")
        _require_finite(self.mean, "The mean of a prior")
        require_positive(self.sd, "The standard deviation of a proper prior")

    def on_difference(self, control: float) -> tuple[float, float]:
        """Return mean and standard deviation on treatment - control.

        A relative prior is multiplied by control's absolute value: mean and standard deviation
        alike, the variance by its square.
        """
        factor = abs(control) if self.scale == "relative" else 1.0
        return self.mean * factor, self.sd * factor

    def __str__(self) -> str:
        """Return the prior as a reader writes it."""
        what = "relative effect" if self.scale == "relative" else "effect"
        return f"Normal({self.mean:g}, {self.sd:g}) on the {what}"


@dataclass(frozen=True)
class BetaPrior:
    """What is believed of the share of successes of every arm before the data.

    Attributes
    ----------
    successes, failures
        Parameters a and b of Beta(a, b), from 1e-12 to 1e15: what the prior is worth in units.
        (1, 1) is uniform, (0.5, 0.5) Jeffreys'.
    """

    successes: float = 1.0
    failures: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no proper prior."""
        _require_weight(self.successes, "A parameter of a beta prior")
        _require_weight(self.failures, "A parameter of a beta prior")

    def __str__(self) -> str:
        """Return the prior as a reader writes it."""
        return f"Beta({self.successes:.4g}, {self.failures:.4g})"


@dataclass(frozen=True)
class GammaPrior:
    """What is believed of the rate of every arm before the data.

    Attributes
    ----------
    events
        Shape of the gamma distribution, from 1e-12 to 1e15: the events that the prior is worth.
    exposure
        Its rate parameter, above 0: the exposure that the prior is worth, in the unit of the
        data's; events / exposure is its mean.
    """

    events: float
    exposure: float

    def __post_init__(self) -> None:
        """Refuse what is no proper prior."""
        _require_weight(self.events, "The events of a gamma prior")
        require_positive(self.exposure, "A parameter of a proper gamma prior")

    def __str__(self) -> str:
        """Return the prior as a reader writes it."""
        return f"Gamma({self.events:.4g}, {self.exposure:.4g})"


Prior = NormalPrior | BetaPrior | GammaPrior
"""Any of them."""


def _require_weight(value: float, name: str) -> None:
    require_positive(value, name)
    if not _LEAST <= value <= _MOST:
        raise UsageError(
            f"{name} is out of reach of double precision",
            given=repr(value),
            todo=f"Give a number from {_LEAST:g} to {_MOST:g}.",
        )


def _require_finite(value: float, name: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and math.isfinite(value)):
        raise UsageError(f"{name} must be a finite number", given=repr(value), todo="Give one.")
