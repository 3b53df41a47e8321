"""What fitted models of buying share: parameters with their errors, in words and in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from abtest.errors import UsageError
from abtest.stats.answer import Answer
from abtest.stats.listing import listing
from abtest.stats.moments import Floats

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


class Fit(Answer):
    """What fitted models share: parameters with their errors."""

    NAMES: ClassVar[tuple[str, ...]]
    log_likelihood: float
    covariance: Floats | None
    n: int

    @property
    def parameters(self) -> Floats:
        """The parameters in the order of `NAMES`."""
        return np.array([getattr(self, name) for name in self.NAMES])

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the parameters, from the observed information.

        Raises
        ------
        UsageError
            ``not_identified``: the likelihood has no curved maximum, so that there are none.
        """
        if self.covariance is None:
            raise UsageError(
                "The data do not say where one of the parameters lies, so it has no error",
                given=self._listed(),
                todo="Read the predictions only, or fit more units or a longer time.",
                code="not_identified",
            )
        return np.asarray(np.sqrt(np.diagonal(self.covariance)))

    def _listed(self) -> str:
        return ", ".join(f"{name} = {getattr(self, name):.4g}" for name in self.NAMES)

    def __str__(self) -> str:
        """Return the parameters, in one sentence."""
        weak = "" if self.covariance is not None else " The parameters have no standard errors."
        return (
            f"{self.n:,} units: {self._listed()}; log likelihood {self.log_likelihood:,.2f}.{weak}"
        )

    def _fragment(self) -> Fragment:
        """Return the sentence, and parameters with their errors, for notebooks."""
        errors = ["–"] * len(self.NAMES)
        if self.covariance is not None:
            errors = [f"{error:.4g}" for error in self.standard_errors]
        rows = [
            (name, f"{value:.6g}", error)
            for name, value, error in zip(self.NAMES, self.parameters, errors, strict=True)
        ]
        return listing(str(self), ("parameter", "estimate", "standard error"), rows)
