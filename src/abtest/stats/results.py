"""What every comparison answers, whatever its method: frozen, typed, complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from abtest.stats.answer import Plain

Alternative = Literal["two-sided", "greater", "less"]
PairMethod = Literal[
    "welch",
    "welch_cuped",
    "post_stratified",
    "post_stratified_cuped",
    "delta",
    "delta_cuped",
    "delta_post_stratified",
    "delta_post_stratified_cuped",
    "kaplan_meier",
    "lawless_nadeau",
    "melded",
    "miettinen_nurminen",
    "nps_adjusted_wald",
    "nps_wald",
]
"""How experiments compare two arms; ``post_stratified`` are means compared within strata."""
Method = (
    PairMethod
    | Literal[
        "aalen_johansen",
        "agresti_caffo",
        "agresti_coull",
        "barnard",
        "bootstrap_basic",
        "bootstrap_bca",
        "bootstrap_percentile",
        "bootstrap_poisson",
        "bootstrap_studentized",
        "boschloo",
        "brunner_munzel",
        "clopper_pearson",
        "cluster_basic",
        "cluster_percentile",
        "cluster_welch",
        "cr2",
        "cr2_adjusted",
        "crossover_welch",
        "cupac",
        "did_panel",
        "did_samples",
        "fieller",
        "fisher",
        "fisher_central",
        "fisher_midp",
        "jeffreys",
        "lin_hc2",
        "lin_hc3",
        "log_welch",
        "mann_whitney",
        "mann_whitney_exact",
        "melded_clustered",
        "mid_p",
        "negative_binomial",
        "newcombe",
        "paired_t",
        "permutation",
        "permutation_exact",
        "poisson_exact",
        "poisson_mid_p",
        "poisson_score",
        "pooled_z",
        "quasi_poisson",
        "student",
        "su_wei",
        "wald",
        "wilson",
        "yuen",
        "z",
    ]
)
"""How two arms were compared: those of experiments, and what else the functions offer."""
Measure = Literal[
    "capped_mean",
    "cluster_mean",
    "cumulative_mean",
    "geometric_mean",
    "hazard",
    "incidence",
    "mean",
    "nps",
    "odds",
    "ordinal_score",
    "proportion",
    "quantile",
    "rate",
    "ratio",
    "rmst",
    "statistic",
    "survival",
    "survival_quantile",
    "top_box",
    "trimmed_mean",
]
"""What was compared: the quantity of one arm."""
WarningCode = Literal[
    "answers_differ",
    "arms_alternate",
    "carry_over",
    "constant_arm",
    "constant_clusters",
    "control_uncertain",
    "counts_added",
    "covariate_constant",
    "covariate_dropped",
    "covariate_is_outcome",
    "covariate_missing",
    "covariate_missing_differs",
    "covariate_not_used",
    "covariate_too_few_units",
    "covariate_zero_denominator",
    "few_clusters",
    "few_events",
    "few_units",
    "hazards_not_proportional",
    "many_folds",
    "overdispersed",
    "phase_dropped",
    "separated_arms",
    "set_has_gaps",
    "skewed_unequal_arms",
    "strata_merged",
    "strata_unbalanced",
    "tied_quantile",
    "tied_shift",
    "trends_differ",
]
"""What a reader should know about an estimate: stable words that machines may branch on."""
RelativeStatus = Literal["bounded", "half_line", "two_rays", "unbounded", "undefined"]


@dataclass(frozen=True)
class Interval:
    """A point estimate and its interval; a limit is None where the interval has no end.

    Not computable values are None as well; the owner of the interval says why.
    """

    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class RelativeInterval(Interval):
    """A relative effect with the state of its confidence set.

    `status` is ``bounded`` (an interval), ``half_line`` (one end missing), ``two_rays``
    (everything outside (lower, upper); `lower` and `upper` are the ends of the gap),
    ``unbounded`` (every value) or ``undefined`` (no ratio exists: the control is 0).
    """

    status: RelativeStatus


@dataclass(frozen=True)
class Test(Plain):
    """A p-value with its logarithm, statistic and degrees of freedom.

    `log10_p` stays finite where `p_value` underflows. `df` is None for normal and
    score tests. `method` names the test where it stands alone; None where the answer that it is
    part of does.
    """

    __test__ = False  # not a test class of pytest

    p_value: float
    log10_p: float
    statistic: float
    df: float | None
    alternative: Alternative
    method: str | None = None

    def __str__(self) -> str:
        """Return the result as a sentence."""
        from abtest.stats.display import p_value

        df = "" if self.df is None else f" with {self.df:.6g} degrees of freedom"
        name = self.alternative if self.method is None else f"{self.method}, {self.alternative}"
        return f"p = {p_value(self)}: statistic {self.statistic:.4g}{df} ({name})."


class PairEstimate(Protocol):
    """Two arms, estimated: all that an effect, an interval or a bound needs.

    Absolute effects are treatment - control; relative effects divide by |control|, so
    that their sign is that of the absolute effect.
    """

    @property
    def method(self) -> Method:
        """Name of the method, such as ``welch``; experiments use those of `PairMethod`."""

    @property
    def variance_reduction(self) -> float | None:
        """Share of the variance that covariates and strata removed; None where there were none.

        At most 1; slightly below 0 where they explain nothing.
        """

    @property
    def control_value(self) -> float:
        """Estimate of the control arm (adjusted if CUPED was used)."""

    @property
    def treatment_value(self) -> float:
        """Estimate of the treatment arm."""

    @property
    def n_control(self) -> int:
        """Units of the control arm."""

    @property
    def n_treatment(self) -> int:
        """Units of the treatment arm."""

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """Codes of what a reader should know, such as ``covariate_constant``."""

    def with_warnings(self, *codes: WarningCode) -> PairEstimate:
        """Return the same pair with further warning codes."""

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return treatment - control with its interval.

        ``greater`` gives the lower limit alone, ``less`` the upper one.
        """

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the relative effect with its confidence set."""

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound.

        With `relative` = b the contrast treatment - control - b |control| is tested against
        0, which for a control above zero is treatment - (1 + b) control; otherwise
        treatment - control against `absolute`.
        """
