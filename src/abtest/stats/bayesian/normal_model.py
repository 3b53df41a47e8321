"""Normal errors of estimates, and a normal prior on the effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abtest.stats.bayesian.best import NormalFamily, Ranking
from abtest.stats.bayesian.effects import EffectPosterior, NormalEffect, RelativeEffect
from abtest.stats.bayesian.model import Counted
from abtest.stats.bayesian.priors import NormalPrior, Prior, PriorScale
from abtest.stats.columns import arm_moments
from abtest.stats.not_estimable import NotEstimable, constant_arms, not_finite, too_small
from abtest.stats.pairs import ArmPair
from abtest.stats.ratios import ratio_columns
from abtest.stats.results import WarningCode
from abtest.stats.samples import Sample, estimate_samples

_ROOM = 0.1
"""Where control's standard error is above this share of it, relative priors are rough."""
_FEW = 30
"""Below so many units of an arm its variance is not known well enough to be taken as known."""


@dataclass(frozen=True)
class NormalModel:
    """Estimates of arms with normal errors; the prior is on the effect.

    Attributes
    ----------
    pairs
        Control with every treatment.
    nulls
        Units without a value, control first.
    scale
        Of the effects.
    """

    pairs: Sequence[ArmPair]
    nulls: Sequence[int]
    scale: PriorScale
    default: None = None

    @classmethod
    def of(
        cls,
        control: Sample,
        treatments: Mapping[str, Sample],
        *,
        measure: Any,
        covariates: Any,
        scale: PriorScale,
    ) -> NormalModel:
        """Return the model of samples."""
        pairs = []
        for sample in treatments.values():
            pair = estimate_samples(control, sample, measure=measure, covariates=covariates)
            if not isinstance(pair, ArmPair):  # pragma: no cover  means and ratios are pairs
                raise TypeError(type(pair).__name__)
            pairs.append(pair)
        if scale == "relative" and pairs[0].control_value == 0.0:
            raise _no_control()
        nulls = [_nulls(sample, measure) for sample in (control, *treatments.values())]
        return cls(pairs, nulls, scale)

    def warnings(self, prior: Prior | None) -> Sequence[tuple[WarningCode, ...]]:
        """Return the codes of every treatment."""
        relative = self.scale == "relative" or (
            isinstance(prior, NormalPrior) and prior.scale == "relative"
        )
        return [self._codes(pair, relative=relative) for pair in self.pairs]

    def _codes(self, pair: ArmPair, *, relative: bool) -> tuple[WarningCode, ...]:
        codes = list(pair.warnings)
        if min(pair.n_control, pair.n_treatment) < _FEW:
            codes.append("few_units")
        error = math.sqrt(pair.contrast.baseline_variance)
        if relative and error > _ROOM * abs(pair.control_value):
            codes.append("control_uncertain")
        return tuple(codes)

    def words(self, prior: Prior | None) -> str:
        """Return a prior in words."""
        return "flat" if prior is None else str(prior)

    def scaled(self, share: float) -> Prior | None:
        """Return the normal prior with this standard deviation of the relative effect."""
        control = abs(self.pairs[0].control_value)
        return NormalPrior(0.0, share) if control * share > 0.0 else None

    def counted(self, prior: Prior | None) -> list[Counted]:
        """Return the arms, control first."""
        joint = self._joint(prior)
        first, control = self.pairs[0], joint[0].control
        return [Counted(control, first.n_control, self.nulls[0])] + [
            Counted(control + one.effect.mean, pair.n_treatment, nulls)
            for one, pair, nulls in zip(joint, self.pairs, self.nulls[1:], strict=True)
        ]

    def effects(self, prior: Prior | None) -> list[EffectPosterior]:
        """Return the posterior of every treatment's effect."""
        joint = self._joint(prior)
        return list(joint) if self.scale == "relative" else [one.effect for one in joint]

    def _joint(self, prior: Prior | None) -> list[RelativeEffect]:
        """Return every effect beside control."""
        if len(self.pairs) == 1:
            return [self._one(self.pairs[0], prior)]
        family = self._family(prior, 1.0)
        shift, sd = family.control_shift
        control = self.pairs[0].control_value + shift
        return [RelativeEffect(effect, control, sd, load) for effect, load in family.effects()]

    def _one(self, pair: ArmPair, prior: Prior | None) -> RelativeEffect:
        """Return one effect beside control: precisions add up (Gelman et al. 2013, 2.5)."""
        c = pair.contrast
        error = math.sqrt(c.difference_variance)
        if not error > 0.0:
            raise too_small()
        if not math.isfinite(error):
            raise not_finite()
        load = c.covariance / c.difference_variance  # what control says of the difference
        rest = max(c.baseline_variance - load * c.covariance, 0.0)
        effect = NormalEffect(c.difference, error)
        if prior is not None:
            centre, sd = self._absolute(prior)
            both = math.hypot(error, sd)
            data, belief = sd / both, error / both  # the roots of their weights
            mean = data * data * c.difference + belief * belief * centre
            effect = NormalEffect(mean, data * error)
            if not effect.sd > 0.0:
                raise too_small()
        control = c.baseline + load * (effect.mean - c.difference)
        return RelativeEffect(effect, control, math.hypot(math.sqrt(rest), load * effect.sd), load)

    def _absolute(self, prior: Prior) -> tuple[float, float]:
        """Return mean and standard deviation of a prior on treatment - control."""
        if not isinstance(prior, NormalPrior):  # the door has looked
            raise TypeError(type(prior).__name__)
        control = self.pairs[0].control_value
        if control == 0.0 and prior.scale == "relative":
            raise _no_control()
        centre, sd = prior.on_difference(control)
        if not (math.isfinite(centre) and 0.0 < sd < math.inf):
            raise not_finite()
        return centre, sd

    def _family(self, prior: Prior | None, sign: float) -> NormalFamily:
        pairs = self.pairs
        errors = np.sqrt([pair.covariance[1][1] for pair in pairs])
        if not errors.min() > 0.0:
            raise constant_arms(pairs[0].control_value, pairs[int(errors.argmin())].treatment_value)
        centre, sd = (0.0, 0.0) if prior is None else self._absolute(prior)
        return NormalFamily(
            sign * np.array([pair.contrast.difference for pair in pairs]),
            errors,
            math.sqrt(pairs[0].covariance[0][0]),
            None if prior is None else (sign * centre, sd),
        )

    def ranking(self, prior: Prior | None, *, largest: bool) -> Ranking:
        """Return which arm is best."""
        if len(self.pairs) > 1:
            return self._family(prior, 1.0 if largest else -1.0).ranking()
        return ranking_of_two(self.effects(prior)[0], largest=largest)


def ranking_of_two(effect: EffectPosterior, *, largest: bool) -> Ranking:
    """Return the ranking of control and one treatment from their effect."""
    below, above = effect.log_tails(0.0)
    ship, keep = effect.log_losses()
    if largest:
        return Ranking((below, above), (keep, ship))
    return Ranking((above, below), (ship, keep))


def _no_control() -> NotEstimable:
    return NotEstimable(
        "zero_denominator",
        "A control of 0 has no relative effect, and no relative prior",
        given="control 0",
        todo='Use scale="absolute" with an absolute prior, or a flat one.',
    )


def _nulls(sample: Sample, measure: str) -> int:
    """Return the units of a sample without a value."""
    columns = ratio_columns(sample, "a sample") if measure == "ratio" else (sample,)
    return arm_moments(columns, (), "a sample").nulls
