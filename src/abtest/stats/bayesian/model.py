"""What every Bayesian model offers to a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from abtest.stats.bayesian.best import Ranking
from abtest.stats.bayesian.effects import EffectPosterior
from abtest.stats.bayesian.priors import Prior
from abtest.stats.bayesian.result import PriorName
from abtest.stats.results import WarningCode

SCEPTICISM: tuple[tuple[PriorName, float], ...] = (
    ("sceptical", 0.03),
    ("cautious", 0.1),
    ("weakly_informative", 0.3),
)
"""Priors that are always tried: how large relative effects are expected to be."""


@dataclass(frozen=True)
class Counted:
    """What an arm was made of.

    Attributes
    ----------
    value
        Posterior mean.
    n, nulls
        Units with and without a value; n is None for totals.
    """

    value: float
    n: int | None
    nulls: int


class Model(Protocol):
    """Posteriors of every treatment's effect under any prior of the model's kind."""

    @property
    def default(self) -> Prior | None:
        """The prior where none is given; None for a flat one."""

    def warnings(self, prior: Prior | None) -> Sequence[tuple[WarningCode, ...]]:
        """Return the codes of every treatment."""

    def words(self, prior: Prior | None) -> str:
        """Return a prior in words."""

    def scaled(self, share: float) -> Prior | None:
        """Return the prior that expects relative effects of this size; None if there is none."""

    def counted(self, prior: Prior | None) -> list[Counted]:
        """Return the arms, control first."""

    def effects(self, prior: Prior | None) -> list[EffectPosterior]:
        """Return the posterior of every treatment's effect."""

    def ranking(self, prior: Prior | None, *, largest: bool) -> Ranking:
        """Return which arm is best."""
