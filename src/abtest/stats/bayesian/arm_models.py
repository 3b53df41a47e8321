"""Independent arms with conjugate priors: shares of successes and rates of events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from abtest.stats.bayesian.arms import BetaArm, GammaArm
from abtest.stats.bayesian.best import Ranking, rank_arms
from abtest.stats.bayesian.effects import ArmsEffect, EffectPosterior
from abtest.stats.bayesian.model import Counted
from abtest.stats.bayesian.priors import BetaPrior, GammaPrior, Prior, PriorScale
from abtest.stats.columns import arm_moments
from abtest.stats.not_estimable import not_finite
from abtest.stats.proportions.two_by_two import counts_of
from abtest.stats.rates.totals import EventArm, event_arm
from abtest.stats.results import WarningCode
from abtest.stats.samples import Sample


@dataclass(frozen=True)
class BetaModel:
    """Successes of arms; every arm has the same beta prior.

    Attributes
    ----------
    successes, units, nulls
        Of every arm, control first.
    scale
        Of the effects.
    """

    successes: Sequence[int]
    units: Sequence[int]
    nulls: Sequence[int]
    scale: PriorScale
    default: BetaPrior = BetaPrior()  # noqa: RUF009  frozen

    @classmethod
    def of(cls, control: Sample, treatments: Mapping[str, Sample], scale: PriorScale) -> BetaModel:
        """Return the model of samples."""
        first = arm_moments((control,), (), "control")
        arms = [first, *(arm_moments((one,), (), name) for name, one in treatments.items())]
        counts = [counts_of(first, arm)[2:] for arm in arms]
        return cls([x for x, _ in counts], [n for _, n in counts], [a.nulls for a in arms], scale)

    def warnings(self, prior: Prior | None) -> Sequence[tuple[WarningCode, ...]]:  # noqa: ARG002  the same for all
        """Return the codes of every treatment: none."""
        return [() for _ in self.units[1:]]

    def words(self, prior: Prior | None) -> str:
        """Return a prior in words."""
        return str(prior or self.default)

    def scaled(self, share: float) -> Prior | None:
        """Return the beta prior around the share of all arms with effects of this size."""
        p = sum(self.successes) / sum(self.units)
        if not 0.0 < p < 1.0:
            return None
        weight = 2.0 * (1.0 - p) / (share * share * p) - 1.0
        if not 1e-6 < weight < 1e15:
            return None
        return BetaPrior(weight * p, weight * (1.0 - p))

    def _arms(self, prior: Prior | None) -> list[BetaArm]:
        chosen = prior or self.default
        if not isinstance(chosen, BetaPrior):  # the door has looked
            raise TypeError(type(chosen).__name__)
        return [
            BetaArm(chosen.successes + x, chosen.failures + (n - x))
            for x, n in zip(self.successes, self.units, strict=True)
        ]

    def counted(self, prior: Prior | None) -> list[Counted]:
        """Return the arms, control first."""
        arms = zip(self._arms(prior), self.units, self.nulls, strict=True)
        return [Counted(arm.mean, n, nulls) for arm, n, nulls in arms]

    def effects(self, prior: Prior | None) -> list[EffectPosterior]:
        """Return the posterior of every treatment's effect."""
        first, *others = self._arms(prior)
        return [ArmsEffect(first, other, self.scale) for other in others]

    def ranking(self, prior: Prior | None, *, largest: bool) -> Ranking:
        """Return which arm is best."""
        return rank_arms(self._arms(prior), largest=largest)


@dataclass(frozen=True)
class GammaModel:
    """Events of arms over their exposures; every arm has the same gamma prior.

    Attributes
    ----------
    arms
        Control first.
    scale
        Of the effects.
    """

    arms: Sequence[EventArm]
    scale: PriorScale

    @classmethod
    def of(
        cls,
        control: Any,
        treatments: Mapping[str, Any],
        exposure: tuple[Any, Mapping[str, Any]] | None,
        scale: PriorScale,
    ) -> GammaModel:
        """Return the model of events."""
        arms = [event_arm(control, None if exposure is None else exposure[0], "control")]
        for name, events in treatments.items():
            observed = None if exposure is None else exposure[1][name]
            arms.append(event_arm(events, observed, name))
        if not math.isfinite(1e6 * sum(arm.exposure for arm in arms)):  # priors are multiples
            raise not_finite()
        return cls(arms, scale)

    @property
    def default(self) -> GammaPrior:
        """One event, over the exposure in which all arms together have one."""
        events = max(sum(arm.events for arm in self.arms), 1.0)
        return GammaPrior(1.0, sum(arm.exposure for arm in self.arms) / events)

    def warnings(self, prior: Prior | None) -> Sequence[tuple[WarningCode, ...]]:  # noqa: ARG002  the same for all
        """Return the codes of every treatment: none."""
        return [() for _ in self.arms[1:]]

    def words(self, prior: Prior | None) -> str:
        """Return a prior in words."""
        return str(prior or self.default)

    def scaled(self, share: float) -> Prior | None:
        """Return the gamma prior around the rate of all arms with effects of this size."""
        events = sum(arm.events for arm in self.arms)
        if not events > 0.0:
            return None
        worth = 2.0 / (share * share)
        return GammaPrior(worth, worth * sum(arm.exposure for arm in self.arms) / events)

    def _posteriors(self, prior: Prior | None) -> list[GammaArm]:
        chosen = prior or self.default
        if not isinstance(chosen, GammaPrior):  # the door has looked
            raise TypeError(type(chosen).__name__)
        found = [
            GammaArm(chosen.events + arm.events, chosen.exposure + arm.exposure)
            for arm in self.arms
        ]
        if not all(arm.a < 1e18 and arm.b < 1e300 and 1e-290 < arm.mean < 1e290 for arm in found):
            raise not_finite()
        return found

    def counted(self, prior: Prior | None) -> list[Counted]:
        """Return the arms, control first."""
        return [
            Counted(posterior.mean, None if arm.moments is None else arm.moments.n, arm.nulls)
            for posterior, arm in zip(self._posteriors(prior), self.arms, strict=True)
        ]

    def effects(self, prior: Prior | None) -> list[EffectPosterior]:
        """Return the posterior of every treatment's effect."""
        first, *others = self._posteriors(prior)
        return [ArmsEffect(first, other, self.scale) for other in others]

    def ranking(self, prior: Prior | None, *, largest: bool) -> Ranking:
        """Return which arm is best."""
        return rank_arms(self._posteriors(prior), largest=largest)
