"""What is asked of a Bayesian comparison, refused where it has no meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from abtest.errors import UsageError
from abtest.stats.arguments import require_level, require_one_of
from abtest.stats.bayesian.priors import BetaPrior, GammaPrior, NormalPrior, Prior, PriorScale
from abtest.stats.bayesian.result import BayesModel
from abtest.stats.margin_results import Direction

BayesMeasure = Literal["mean", "ratio"]
"""What the normal model compares; the other models have a measure of their own."""
_MODELS = frozenset(get_args(BayesModel))
_PRIORS: Mapping[str, type[Prior]] = {
    "normal": NormalPrior,
    "beta_binomial": BetaPrior,
    "gamma_poisson": GammaPrior,
}


@dataclass(frozen=True)
class Question:
    """What was asked, apart from the data; fields as the arguments of `bayes_compare`."""

    model: BayesModel
    prior: Prior | None
    scale: PriorScale
    direction: Direction
    rope: tuple[float, float] | None
    credible_level: float


def asked(
    model: str, prior: object, scale: str, direction: str, rope: Any, credible_level: float
) -> Question:
    """Return the question.

    Raises
    ------
    UsageError
        If a part of it has no meaning, or the prior does not fit the model.
    """
    require_one_of(model, _MODELS, "model")
    require_one_of(scale, get_args(PriorScale), "scale")
    require_one_of(direction, get_args(Direction), "direction")
    require_level(credible_level)
    if prior is not None and not isinstance(prior, _PRIORS[model]):
        raise UsageError(
            "The prior does not fit the model",
            given=f"{type(prior).__name__} with {model}",
            todo=f"Give a {_PRIORS[model].__name__}, or None for a flat prior.",
        )
    return Question(model, prior, scale, direction, _rope(rope), credible_level)  # type: ignore[arg-type]  # checked above


def _rope(rope: Any) -> tuple[float, float] | None:
    if rope is None:
        return None
    ends = rope if isinstance(rope, tuple | list) else (rope, rope)
    numbers = all(
        isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end)
        for end in ends
    )
    if len(ends) == 2 and numbers:
        low, high = (-ends[0], ends[1]) if ends is not rope else ends
        if low < high:
            return float(low), float(high)
    raise UsageError(
        "A region of practical equivalence is a pair of numbers, lower before upper",
        given=repr(rope),
        todo="Give (lower, upper), or one number above 0 for both sides.",
    )


def require_fitting(
    question: Question, measure: str, exposure: Any, covariates: Any, *, several: bool
) -> None:
    """Refuse options that the model cannot use, rather than leave them out without a word.

    Raises
    ------
    UsageError
        If there are any.
    """
    model = question.model
    require_one_of(measure, get_args(BayesMeasure), "measure")
    wrong = None
    if model != "normal" and (measure != "mean" or covariates is not None):
        wrong = "a measure or covariates", 'Leave them out, or use model="normal".'
    elif model != "gamma_poisson" and exposure is not None:
        wrong = "an exposure", 'Leave it out, or use model="gamma_poisson".'
    elif model == "normal" and several and covariates is not None:
        wrong = "covariates and several treatments", "Compare one treatment at a time."
    if wrong is not None:
        raise UsageError(f"This model has no use for {wrong[0]}", given=model, todo=wrong[1])


def exposures(
    exposure: Any, names: list[str], *, several: bool
) -> tuple[Any, Mapping[str, Any]] | None:
    """Return the exposure of control, and those of treatments by name; None if there are none.

    Raises
    ------
    UsageError
        If they are no pair, or do not fit the treatments.
    """
    if exposure is None:
        return None
    if isinstance(exposure, tuple | list) and len(exposure) == 2:
        if not several:
            return exposure[0], {names[0]: exposure[1]}
        if isinstance(exposure[1], Mapping) and {str(name) for name in exposure[1]} == set(names):
            return exposure[0], {str(name): one for name, one in exposure[1].items()}
    raise UsageError(
        "Exposures are a pair: that of control and that of treatment",
        given=type(exposure).__name__,
        todo="Give exposure=(control, treatment), or (control, {name: ...}) for several.",
    )
