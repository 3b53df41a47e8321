"""What Bayesian comparisons answer: frozen, and as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.stats.answer import Answer
from abtest.stats.bayesian.priors import PriorScale
from abtest.stats.listing import listing
from abtest.stats.margin_results import Direction
from abtest.stats.results import WarningCode

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

BayesModel = Literal["normal", "beta_binomial", "gamma_poisson"]
"""What the data are to come from."""
PriorName = Literal["sceptical", "cautious", "weakly_informative", "given", "flat"]
"""How far a prior draws effects to none, from much to not at all."""


@dataclass(frozen=True)
class PriorAnswer:
    """The answer under one prior.

    Attributes
    ----------
    name
        ``sceptical``, ``cautious`` and ``weakly_informative`` expect relative effects of about
        3%, 10% and 30% (one standard deviation) around none; ``given`` is the one that was
        asked for, ``flat`` holds no effect for more likely than another.
    prior
        The prior in words.
    estimate
        Posterior mean of the effect.
    p_better
        Probability that treatment is better.
    loss_ship, loss_keep
        Expected loss of shipping treatment and of keeping control.
    """

    name: PriorName
    prior: str
    estimate: float
    p_better: float
    loss_ship: float
    loss_keep: float


@dataclass(frozen=True)
class BayesComparison(Answer):
    """Treatment against control: what to believe after the data, and what a choice may cost.

    Attributes
    ----------
    model
        ``normal``, ``beta_binomial`` or ``gamma_poisson``.
    prior
        The prior in words.
    direction
        Which way is good.
    scale
        ``absolute``: effects are treatment - control, in the unit of the metric; ``relative``:
        the same over the size (absolute value) of control.
    estimate
        Posterior mean of the effect; relative ones are those of the posterior means of the arms.
    interval
        Equal-tailed credible interval of the effect; None for an end where control may be 0.
    credible_level
        Of the interval.
    p_better, log10_p_better
        Probability that treatment is better than control; its logarithm where it underflows.
    p_worse, log10_p_worse
        Probability that it is worse, computed by itself and not as 1 - p_better.
    loss_ship, log10_loss_ship
        Expected loss of shipping treatment: what is given up, on average over the posterior,
        where control is better (0 counted where it is not). In the unit of the effect; relative
        losses are shares of control's posterior mean.
    loss_keep, log10_loss_keep
        Expected loss of keeping control.
    rope
        Region of practical equivalence that was asked about, in the unit of the effect.
    rope_probability
        Posterior probability that the effect lies in it.
    control_value, treatment_value
        Posterior means of the arms.
    n_control, n_treatment
        Units used; None where only totals of events are known.
    nulls_control, nulls_treatment
        Units left out because a value was null.
    sensitivity
        The answer under other priors, from sceptical to flat.
    warnings
        Codes of what a reader should know.
    """

    model: BayesModel
    prior: str
    direction: Direction
    scale: PriorScale
    estimate: float
    interval: tuple[float | None, float | None]
    credible_level: float
    p_better: float
    log10_p_better: float
    p_worse: float
    log10_p_worse: float
    loss_ship: float
    log10_loss_ship: float
    loss_keep: float
    log10_loss_keep: float
    rope: tuple[float, float] | None
    rope_probability: float | None
    control_value: float
    treatment_value: float
    n_control: int | None
    n_treatment: int | None
    nulls_control: int
    nulls_treatment: int
    sensitivity: tuple[PriorAnswer, ...]
    warnings: tuple[WarningCode, ...] = ()

    def __str__(self) -> str:
        """Return what to believe, in sentences."""
        effect = "difference" if self.scale == "absolute" else "relative effect"
        better = probability(self.p_better, self.log10_p_better)
        text = (
            f"Treatment is better with probability {better} ({self.model}, prior {self.prior}): "
            f"{effect} {self._number(self.estimate, sign=True)} "
            f"({100.0 * self.credible_level:.6g}% credible interval {self._span()}). "
            f"Expected loss {self._number(self.loss_ship)} if shipped, "
            f"{self._number(self.loss_keep)} if control is kept."
        )
        if self.rope is not None:
            low, high = (self._number(end) for end in self.rope)
            text += f" The effect is between {low} and {high} with probability "
            text += f"{self.rope_probability:.3g}."
        if self.sensitivity:
            text += " Probability under other priors: " + ", ".join(
                f"{answer.name.replace('_', ' ')} {answer.p_better:.3g}"
                for answer in self.sensitivity
            )
            text += "."
        return text + (f" Warnings: {', '.join(self.warnings)}." if self.warnings else "")

    def _fragment(self) -> Fragment:
        """Return the sentences and a table of the priors, for notebooks."""
        rows = [
            (
                answer.name.replace("_", " "),
                answer.prior,
                self._number(answer.estimate, sign=True),
                f"{answer.p_better:.4g}",
                self._number(answer.loss_ship),
                self._number(answer.loss_keep),
            )
            for answer in self.sensitivity
        ]
        heading = ("belief", "prior", "effect", "P(better)", "loss if shipped", "loss if kept")
        return listing(str(self), heading, rows)

    def _number(self, value: float, *, sign: bool = False) -> str:
        plus = "+" if sign else ""
        return (
            format(value, f"{plus}.4g") if self.scale == "absolute" else format(value, f"{plus}.3%")
        )

    def _span(self) -> str:
        low, high = self.interval
        if low is None or high is None:
            return "without limits" if low == high else f"{self._number(low or 0.0)} or more"
        return f"{self._number(low)} to {self._number(high)}"


@dataclass(frozen=True)
class BayesArm:
    """One of several arms.

    Attributes
    ----------
    name
        ``control``, or the treatment's.
    value
        Posterior mean.
    p_best, log10_p_best
        Probability that no other arm is better.
    loss, log10_loss
        Expected loss of choosing it: what the best of all is better by, on average over the
        posterior, in the unit of the metric.
    """

    name: str
    value: float
    p_best: float
    log10_p_best: float
    loss: float
    log10_loss: float


@dataclass(frozen=True)
class BayesRanking(Answer):
    """Several treatments and their control against each other.

    Attributes
    ----------
    arms
        Control first, then the treatments in the order given; their `p_best` sum to 1.
    comparisons
        Every treatment against control, by name.
    model, prior, direction
        As in `BayesComparison`.
    """

    arms: tuple[BayesArm, ...]
    comparisons: Mapping[str, BayesComparison]
    model: BayesModel
    prior: str
    direction: Direction

    @property
    def best(self) -> BayesArm:
        """The arm with the smallest expected loss."""
        return min(self.arms, key=lambda arm: (arm.loss, arm.log10_loss))

    def __getitem__(self, name: str) -> BayesArm:
        """Return the arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    def __str__(self) -> str:
        """Return which arm to choose, in one sentence."""
        best = self.best
        return (
            f"Of {len(self.arms)} arms {best.name} has the smallest expected loss, "
            f"{best.loss:.4g}; it is the best with probability "
            f"{probability(best.p_best, best.log10_p_best)} ({self.model}, prior {self.prior})."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the arms, for notebooks."""
        rows = [
            (
                arm.name,
                f"{arm.value:.6g}",
                probability(arm.p_best, arm.log10_p_best),
                f"{arm.loss:.4g}",
            )
            for arm in self.arms
        ]
        heading = ("arm", "value", "P(best)", "expected loss")
        return listing(str(self), heading, rows)


def probability(value: float, log10: float) -> str:
    """Return a probability in digits that tell it from 0 and 1.

    Examples
    --------
    >>> probability(0.61077, -0.2141), probability(0.0, -400.2), probability(1.0, 0.0)
    ('0.611', '1e-400', 'above 0.9999')
    """
    if value > 0.9999:
        return "above 0.9999"
    if value > 0.999:
        return f"{value:.4f}"
    return f"{value:.3g}" if value > 0.0 else f"1e{log10:.0f}"
