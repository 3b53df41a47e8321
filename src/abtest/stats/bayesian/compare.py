"""Bayesian comparisons of arms: the door."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, overload

from abtest.errors import UsageError
from abtest.stats.bayesian.arm_models import BetaModel, GammaModel
from abtest.stats.bayesian.effects import EffectPosterior
from abtest.stats.bayesian.model import SCEPTICISM, Model
from abtest.stats.bayesian.normal_model import NormalModel
from abtest.stats.bayesian.priors import Prior, PriorScale
from abtest.stats.bayesian.question import (
    BayesMeasure,
    Question,
    asked,
    exposures,
    require_fitting,
)
from abtest.stats.bayesian.result import (
    BayesArm,
    BayesComparison,
    BayesModel,
    BayesRanking,
    PriorAnswer,
    PriorName,
)
from abtest.stats.margin_results import Direction
from abtest.stats.multiplicity.family import named
from abtest.stats.not_estimable import not_finite
from abtest.stats.samples import Sample

_LOG10 = math.log(10.0)


@overload
def bayes_compare(
    control: Sample,
    treatment: Mapping[str, Sample],
    *,
    model: BayesModel = ...,
    prior: Prior | None = ...,
    measure: BayesMeasure = ...,
    scale: PriorScale = ...,
    direction: Direction = ...,
    rope: tuple[float, float] | float | None = ...,
    credible_level: float = ...,
    exposure: Any = ...,
    covariates: tuple[Any, Any] | None = ...,
) -> BayesRanking: ...


@overload
def bayes_compare(
    control: Sample,
    treatment: Sample,
    *,
    model: BayesModel = ...,
    prior: Prior | None = ...,
    measure: BayesMeasure = ...,
    scale: PriorScale = ...,
    direction: Direction = ...,
    rope: tuple[float, float] | float | None = ...,
    credible_level: float = ...,
    exposure: Any = ...,
    covariates: tuple[Any, Any] | None = ...,
) -> BayesComparison: ...


def bayes_compare(  # noqa: PLR0913  every one is a choice of its own, and has a default
    control: Sample,
    treatment: Sample | Mapping[str, Sample],
    *,
    model: BayesModel = "normal",
    prior: Prior | None = None,
    measure: BayesMeasure = "mean",
    scale: PriorScale = "absolute",
    direction: Direction = "increase",
    rope: tuple[float, float] | float | None = None,
    credible_level: float = 0.95,
    exposure: Any = None,
    covariates: tuple[Any, Any] | None = None,
) -> BayesComparison | BayesRanking:
    """Return the probability that treatment is better, and what either choice may cost.

    No number is drawn: normal posteriors have closed forms, all others are integrated by
    quadrature, so that the same data always give the same decision.

    Parameters
    ----------
    control
        Values, `Moments` or `ValueCounts`; of a ratio (numerators, denominators) or `Moments`;
        of ``gamma_poisson`` also a total of events.
    treatment
        The same, or several of them by name: then the answer ranks all arms.
    model
        ``normal``: means or ratios of any values, whose estimates are taken as normal with
        known standard errors; the prior is on the effect. ``beta_binomial``: values of 0 and 1,
        the same beta prior for every arm. ``gamma_poisson``: events that come one by one (see
        `compare_rates`), the same gamma prior for every arm.
    prior
        `NormalPrior`, `BetaPrior` or `GammaPrior`, as the model asks for. None is flat:
        no prior on the effect of the normal model, Beta(1, 1), and a gamma prior worth one
        event at the rate of all arms together. ``NormalPrior()`` is weakly informative: relative
        effects of 0 with a standard deviation of 30%.
    measure
        ``mean`` or ``ratio``, in the normal model.
    scale
        Of effect, losses, interval and `rope`: ``absolute``, or ``relative`` to control's size.
        Both are read from one posterior, so that P(better) is the same. A relative normal prior
        is multiplied by the estimate of control, mean and standard deviation alike.
    direction
        Which way is good.
    rope
        Region of practical equivalence (lower, upper) on `scale`; one number is -it to it.
    credible_level
        Of the interval. It is equal-tailed: its ends are quantiles, so that it leaves out 0
        exactly where P(better) or P(worse) is below (1 - level) / 2, and a change of unit or from
        differences to ratios does not change what it says. Intervals of highest density have
        neither property, and for the normal model they are the same.
    exposure
        Of ``gamma_poisson``: (control, treatment), two totals or columns; with several
        treatments (control, {name: ...}).
    covariates
        Pre-exposure values of (control, treatment), in the normal model with one treatment.

    Returns
    -------
    BayesComparison or BayesRanking
        With the answer under sceptical to flat priors beside it: where it changes the decision,
        the data have not settled it. Warnings: ``few_units`` (fewer than 30 units in an arm: the
        standard errors of the normal model are not known), ``control_uncertain`` (the standard
        error of control is above a tenth of it: relative normal effects and priors are rough).

    Raises
    ------
    NotEstimable
        If there is no number.
    UsageError
        If the arguments do not fit together, or the prior is not proper.

    Notes
    -----
    *Error rates.* A posterior is right at any time for one who believes the prior: over effects
    drawn from it, 95% intervals hold 95% of them. It is no promise about useless changes. With a
    flat prior P(better) is one minus the one-sided p-value: calling a change better where it is
    above 0.95 errs in 5% of useless ones looked at once (4.9% for shares of 10% with 100 units an
    arm, 2.9% with 20), in 17% with ten looks and 31% with a hundred, exactly as peeking at
    p-values does. Only a prior that describes the effects tests here really have, or an
    always-valid rule, holds that down. Expected losses are no protection either.

    *Normal.* Precisions of prior and data add up (Gelman et al. 2013, "Bayesian Data Analysis",
    3rd ed., 2.5); the prior of control is flat. With u the posterior mean in standard deviations
    s, the expected loss of shipping is s (phi(u) - u (1 - Phi(u))). Relative effects are ratios of
    normal variables: with a flat prior the interval is Fieller's where control has its sign for
    certain. Several treatments share the error of control, and under a proper prior each tells
    something of it: an effect may differ from that of the arm by itself.

    *Arms.* P(T > C) is the integral of control's density times P(T > x), E max(C - T, 0) that of
    P(T < x) P(C > x) (Stucchio 2015, "Bayesian A/B Testing at VWO", has it as a sum), over the
    logarithm of odds or rates, where both are log-concave, at any size of the arms: there is no
    normal approximation for large ones. Probabilities have nine digits up to a billion units, and
    as many in their logarithms.

    The sceptical priors of arms are centred at the rate of all arms together, with a
    variance that gives relative effects the standard deviation named.

    Examples
    --------
    >>> from abtest.stats import Moments, NormalPrior
    >>> result = bayes_compare(
    ...     Moments.from_counts(100, 49), Moments.from_counts(100, 51), model="beta_binomial"
    ... )
    >>> round(result.p_better, 5), round(result.loss_ship, 5), round(result.loss_keep, 5)
    (0.61077, 0.01912, 0.03872)
    >>> result = bayes_compare([1.0, 2.0, 3.0] * 50, [1.0, 2.0, 4.0] * 50, prior=NormalPrior())
    >>> round(result.p_better, 4), [round(line.p_better, 4) for line in result.sensitivity]
    (0.9963, [0.8856, 0.9901, 0.9963, 0.9963, 0.9968])
    """
    question = asked(model, prior, scale, direction, rope, credible_level)
    several = isinstance(treatment, Mapping)
    treatments = named(treatment, "treatments") if several else {"treatment": treatment}
    if "control" in treatments:
        raise UsageError(
            "A treatment cannot be called control",
            given=str(list(treatments)),
            todo="Give treatments other names.",
        )
    require_fitting(question, measure, exposure, covariates, several=len(treatments) > 1)
    built: Model
    if model == "normal":
        built = NormalModel.of(
            control, treatments, measure=measure, covariates=covariates, scale=scale
        )
    elif model == "beta_binomial":
        built = BetaModel.of(control, treatments, scale)
    else:
        observed = exposures(exposure, list(treatments), several=several)
        built = GammaModel.of(control, treatments, observed, scale)
    comparisons = dict(zip(treatments, _comparisons(built, question), strict=True))
    return _ranked(built, question, comparisons) if several else comparisons["treatment"]


def _comparisons(built: Model, question: Question) -> list[BayesComparison]:
    """Return every treatment against control."""
    prior = question.prior
    answers = {
        one: [(effect, _logs(effect, question.direction)) for effect in built.effects(one)]
        for one in {prior, *(other for _, other in _priors(built, prior))}
    }
    control, *others = built.counted(prior)
    warnings = built.warnings(prior)
    found = []
    for i, other in enumerate(others):
        effect, (better, worse, ship, keep) = answers[prior][i]
        numbers = (better, worse, ship, keep, effect.mean, control.value, other.value)
        if not all(math.isfinite(number) for number in numbers):
            raise not_finite()
        comparison = BayesComparison(
            model=question.model,
            prior=built.words(prior),
            direction=question.direction,
            scale=question.scale,
            estimate=effect.mean,
            interval=_interval(effect, question.credible_level),
            credible_level=question.credible_level,
            p_better=math.exp(better),
            log10_p_better=better / _LOG10,
            p_worse=math.exp(worse),
            log10_p_worse=worse / _LOG10,
            loss_ship=math.exp(ship),
            log10_loss_ship=ship / _LOG10,
            loss_keep=math.exp(keep),
            log10_loss_keep=keep / _LOG10,
            rope=question.rope,
            rope_probability=None if question.rope is None else _inside(effect, question.rope),
            control_value=control.value,
            treatment_value=other.value,
            n_control=control.n,
            n_treatment=other.n,
            nulls_control=control.nulls,
            nulls_treatment=other.nulls,
            sensitivity=tuple(
                _line(name, built.words(one), *answers[one][i])
                for name, one in _priors(built, prior)
            ),
            warnings=warnings[i],
        )
        found.append(comparison)
    return found


def _priors(built: Model, given: Prior | None) -> list[tuple[PriorName, Prior | None]]:
    """Return the priors to try, from sceptical to flat."""
    scaled = [(name, built.scaled(share)) for name, share in SCEPTICISM]
    priors: list[tuple[PriorName, Prior | None]] = [one for one in scaled if one[1] is not None]
    if given is not None:
        priors.append(("given", given))
    return [*priors, ("flat", None)]


def _line(
    name: PriorName, words: str, effect: EffectPosterior, logs: tuple[float, float, float, float]
) -> PriorAnswer:
    better, _, ship, keep = logs
    return PriorAnswer(name, words, effect.mean, math.exp(better), math.exp(ship), math.exp(keep))


def _ranked(
    built: Model, question: Question, comparisons: dict[str, BayesComparison]
) -> BayesRanking:
    ranking = built.ranking(question.prior, largest=question.direction == "increase")
    names = ["control", *comparisons]
    arms = [
        BayesArm(name, arm.value, math.exp(best), best / _LOG10, math.exp(loss), loss / _LOG10)
        for name, arm, best, loss in zip(
            names,
            built.counted(question.prior),
            ranking.log_best,
            ranking.log_loss,
            strict=True,
        )
    ]
    if not all(math.isfinite(arm.log10_p_best + arm.log10_loss) for arm in arms):
        raise not_finite()
    words = built.words(question.prior)
    return BayesRanking(tuple(arms), comparisons, question.model, words, question.direction)


def _logs(effect: EffectPosterior, direction: Direction) -> tuple[float, float, float, float]:
    """Return logarithms of P(better), P(worse) and the losses of shipping and of keeping."""
    below, above = effect.log_tails(0.0)
    down, up = effect.log_losses()
    return (above, below, down, up) if direction == "increase" else (below, above, up, down)


def _interval(effect: EffectPosterior, level: float) -> tuple[float | None, float | None]:
    ends = [effect.quantile(0.5 - 0.5 * level), effect.quantile(0.5 + 0.5 * level)]
    low, high = (end if math.isfinite(end) else None for end in ends)
    return low, high


def _inside(effect: EffectPosterior, rope: tuple[float, float]) -> float:
    """Return P(rope) from the tails that cancel least."""
    (below_low, above_low), (below_high, above_high) = (effect.log_tails(end) for end in rope)
    if below_high < math.log(0.5):
        return max(math.exp(below_high) - math.exp(below_low), 0.0)
    if above_low < math.log(0.5):
        return max(math.exp(above_low) - math.exp(above_high), 0.0)
    return max(1.0 - math.exp(below_low) - math.exp(above_high), 0.0)
