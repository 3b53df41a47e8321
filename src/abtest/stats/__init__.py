"""Statistics of two arms from numbers alone: estimates, intervals, tests, checks of counts.

Names are imported when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abtest.stats.adjustment.cupac import compare_cupac_means, cupac_predictions
    from abtest.stats.adjustment.diagnosis import AdjustmentDiagnosis, diagnose_adjustment
    from abtest.stats.adjustment.regression import compare_adjusted_means
    from abtest.stats.adjustment.slopes import pooled_slopes
    from abtest.stats.adjustment.strata import compare_stratified_means
    from abtest.stats.allocation.ratio import sample_ratio
    from abtest.stats.allocation.result import SampleRatio, SegmentRatio, SegmentRatios
    from abtest.stats.allocation.segments import sample_ratio_by_segment
    from abtest.stats.bayesian.compare import bayes_compare
    from abtest.stats.bayesian.priors import BetaPrior, GammaPrior, NormalPrior
    from abtest.stats.bayesian.result import BayesArm, BayesComparison, BayesRanking, PriorAnswer
    from abtest.stats.buying.bg_nbd import BgNbdFit, fit_bg_nbd
    from abtest.stats.buying.gamma_gamma import GammaGammaFit, fit_gamma_gamma
    from abtest.stats.clusters.compare import compare_clustered_means
    from abtest.stats.clusters.correlation import intraclass_correlation
    from abtest.stats.clusters.correlation_result import ClusterCorrelation
    from abtest.stats.clusters.level import compare_means_of_clusters
    from abtest.stats.clusters.table import ClusterTable
    from abtest.stats.comparison import Comparison
    from abtest.stats.comparison_table import ComparisonTable
    from abtest.stats.counts import homogeneity
    from abtest.stats.designs.composition import compare_compositions
    from abtest.stats.designs.composition_result import CompositionComparison
    from abtest.stats.designs.crossover import CrossoverComparison, compare_crossover_means
    from abtest.stats.designs.differences import (
        DifferenceInDifferences,
        compare_difference_in_differences,
    )
    from abtest.stats.designs.factorial import FactorialComparison, compare_factorial
    from abtest.stats.designs.ordered import DoseResponse, compare_ordered_means
    from abtest.stats.designs.paired import compare_paired_means
    from abtest.stats.designs.randomisation import SwitchbackTest, switchback_test
    from abtest.stats.designs.switchback import SwitchbackComparison, compare_switchback
    from abtest.stats.designs.switchback_table import SwitchbackTable
    from abtest.stats.designs.trend import ProportionTrend, compare_ordered_proportions
    from abtest.stats.designs.trend_check import PreTrend
    from abtest.stats.margin_results import Equivalence, NonInferiority
    from abtest.stats.margin_tables import EquivalenceTable, NonInferiorityTable
    from abtest.stats.margins import equivalence, non_inferiority
    from abtest.stats.means.capped import CappedComparison, compare_capped_means
    from abtest.stats.means.compare import compare_means, estimate_means
    from abtest.stats.means.geometric import compare_geometric_means
    from abtest.stats.means.trimmed import compare_trimmed_means
    from abtest.stats.moments import Moments
    from abtest.stats.moments_table import MomentsTable
    from abtest.stats.multiplicity.adjust import adjust
    from abtest.stats.multiplicity.adjusted import AdjustedPValues
    from abtest.stats.multiplicity.comparison_family import AdjustedComparison, ComparisonFamily
    from abtest.stats.multiplicity.comparisons import adjust_comparisons
    from abtest.stats.multiplicity.gates import gatekeeping
    from abtest.stats.multiplicity.graph import TestGraph
    from abtest.stats.multiplicity.many_arms import compare_arms
    from abtest.stats.multiplicity.shares import alpha_shares
    from abtest.stats.not_estimable import NotEstimable
    from abtest.stats.one_sample import SampleEstimate
    from abtest.stats.pairs import ArmPair
    from abtest.stats.proportions.association import association
    from abtest.stats.proportions.compare import compare_proportions
    from abtest.stats.proportions.estimate import estimate_proportions
    from abtest.stats.proportions.odds import compare_odds
    from abtest.stats.proportions.one_sample import proportion_interval, proportion_test
    from abtest.stats.proportions.score import ScorePair
    from abtest.stats.quantiles.band import QuantileEffects, compare_many_quantiles
    from abtest.stats.quantiles.compare import compare_quantiles
    from abtest.stats.quantiles.events import compare_event_quantiles
    from abtest.stats.quantiles.pair import QuantilePair, estimate_quantiles
    from abtest.stats.ranks.compare import compare_ranks
    from abtest.stats.ranks.result import RankComparison
    from abtest.stats.rates.compare import compare_rates
    from abtest.stats.rates.score import RatePair
    from abtest.stats.ratios import compare_ratios, estimate_ratios
    from abtest.stats.resampling.bootstrap import bootstrap
    from abtest.stats.resampling.clusters import cluster_bootstrap
    from abtest.stats.resampling.permutation import permutation
    from abtest.stats.resampling.result import ResampledComparison
    from abtest.stats.resampling.statistic import SampleQuantile, WeightedStatistic
    from abtest.stats.results import Interval, PairEstimate, RelativeInterval, Test
    from abtest.stats.score_pairs import JudgedPair, estimate_scores
    from abtest.stats.scores import compare_scores, nps
    from abtest.stats.segments.compare import heterogeneity, heterogeneity_by_dimension
    from abtest.stats.segments.result import Heterogeneity, HeterogeneityFamily, SegmentEffect
    from abtest.stats.sizing.answers import PowerResult
    from abtest.stats.sizing.cumulative import CumulativeDesign
    from abtest.stats.sizing.curve import PowerCurve
    from abtest.stats.sizing.hazards import HazardDesign
    from abtest.stats.sizing.means import MeansDesign
    from abtest.stats.sizing.proportions import ProportionsDesign
    from abtest.stats.sizing.quantiles import QuantileDesign
    from abtest.stats.sizing.rates import RateDesign
    from abtest.stats.sizing.ratios import RatioDesign
    from abtest.stats.sizing.scores import ScoreDesign
    from abtest.stats.sizing.sharing import Clusters, DecisionRule
    from abtest.stats.sizing.solve import minimum_detectable_effect, power, sample_size
    from abtest.stats.sizing.survival import SurvivalDesign
    from abtest.stats.sizing.watched_times import ExponentialTimes
    from abtest.stats.survival.compare import (
        SurvivalComparison,
        compare_survival,
        estimate_survival,
    )
    from abtest.stats.survival.competing_times import CompetingTimes
    from abtest.stats.survival.cumulative import (
        CumulativeComparison,
        compare_cumulative_means,
        estimate_cumulative_means,
    )
    from abtest.stats.survival.curve import SurvivalCurve, survival_curve
    from abtest.stats.survival.event_times import EventTimes
    from abtest.stats.survival.gray import GrayTest, gray_test
    from abtest.stats.survival.hazards import CovariateHazard, HazardComparison, compare_hazards
    from abtest.stats.survival.incidence import CumulativeIncidence, cumulative_incidence
    from abtest.stats.survival.incidence_comparison import IncidenceComparison, compare_incidence
    from abtest.stats.survival.mean_curve import CumulativeMean, cumulative_mean
    from abtest.stats.survival.quantiles import TimeQuantileComparison, compare_survival_quantiles
    from abtest.stats.survival.rank_test import LogRankTest, log_rank_test
    from abtest.stats.survival.repeated_events import RepeatedEvents
    from abtest.stats.totals_ratio import ratio_of_totals
    from abtest.stats.value_counts import ValueCounts

_HOME = {
    "AdjustedComparison": "multiplicity.comparison_family",
    "AdjustedPValues": "multiplicity.adjusted",
    "AdjustmentDiagnosis": "adjustment.diagnosis",
    "ArmPair": "pairs",
    "BayesArm": "bayesian.result",
    "BayesComparison": "bayesian.result",
    "BayesRanking": "bayesian.result",
    "BetaPrior": "bayesian.priors",
    "BgNbdFit": "buying.bg_nbd",
    "CappedComparison": "means.capped",
    "ClusterCorrelation": "clusters.correlation_result",
    "ClusterTable": "clusters.table",
    "Clusters": "sizing.sharing",
    "Comparison": "comparison",
    "ComparisonFamily": "multiplicity.comparison_family",
    "ComparisonTable": "comparison_table",
    "CompetingTimes": "survival.competing_times",
    "CompositionComparison": "designs.composition_result",
    "CovariateHazard": "survival.hazards",
    "CrossoverComparison": "designs.crossover",
    "CumulativeComparison": "survival.cumulative",
    "CumulativeDesign": "sizing.cumulative",
    "CumulativeIncidence": "survival.incidence",
    "CumulativeMean": "survival.mean_curve",
    "DecisionRule": "sizing.sharing",
    "DifferenceInDifferences": "designs.differences",
    "DoseResponse": "designs.ordered",
    "Equivalence": "margin_results",
    "EquivalenceTable": "margin_tables",
    "EventTimes": "survival.event_times",
    "ExponentialTimes": "sizing.watched_times",
    "FactorialComparison": "designs.factorial",
    "GammaGammaFit": "buying.gamma_gamma",
    "GammaPrior": "bayesian.priors",
    "GrayTest": "survival.gray",
    "HazardComparison": "survival.hazards",
    "HazardDesign": "sizing.hazards",
    "Heterogeneity": "segments.result",
    "HeterogeneityFamily": "segments.result",
    "IncidenceComparison": "survival.incidence_comparison",
    "Interval": "results",
    "JudgedPair": "score_pairs",
    "LogRankTest": "survival.rank_test",
    "MeansDesign": "sizing.means",
    "Moments": "moments",
    "MomentsTable": "moments_table",
    "NonInferiority": "margin_results",
    "NonInferiorityTable": "margin_tables",
    "NormalPrior": "bayesian.priors",
    "NotEstimable": "not_estimable",
    "PairEstimate": "results",
    "PowerCurve": "sizing.curve",
    "PowerResult": "sizing.answers",
    "PreTrend": "designs.trend_check",
    "PriorAnswer": "bayesian.result",
    "ProportionTrend": "designs.trend",
    "ProportionsDesign": "sizing.proportions",
    "QuantileDesign": "sizing.quantiles",
    "QuantileEffects": "quantiles.band",
    "QuantilePair": "quantiles.pair",
    "RankComparison": "ranks.result",
    "RateDesign": "sizing.rates",
    "RatePair": "rates.score",
    "RatioDesign": "sizing.ratios",
    "RelativeInterval": "results",
    "RepeatedEvents": "survival.repeated_events",
    "ResampledComparison": "resampling.result",
    "SampleEstimate": "one_sample",
    "SampleQuantile": "resampling.statistic",
    "SampleRatio": "allocation.result",
    "ScoreDesign": "sizing.scores",
    "ScorePair": "proportions.score",
    "SegmentEffect": "segments.result",
    "SegmentRatio": "allocation.result",
    "SegmentRatios": "allocation.result",
    "SurvivalComparison": "survival.compare",
    "SurvivalCurve": "survival.curve",
    "SurvivalDesign": "sizing.survival",
    "SwitchbackComparison": "designs.switchback",
    "SwitchbackTable": "designs.switchback_table",
    "SwitchbackTest": "designs.randomisation",
    "Test": "results",
    "TestGraph": "multiplicity.graph",
    "TimeQuantileComparison": "survival.quantiles",
    "ValueCounts": "value_counts",
    "WeightedStatistic": "resampling.statistic",
    "adjust": "multiplicity.adjust",
    "adjust_comparisons": "multiplicity.comparisons",
    "alpha_shares": "multiplicity.shares",
    "association": "proportions.association",
    "bayes_compare": "bayesian.compare",
    "bootstrap": "resampling.bootstrap",
    "cluster_bootstrap": "resampling.clusters",
    "compare_adjusted_means": "adjustment.regression",
    "compare_arms": "multiplicity.many_arms",
    "compare_capped_means": "means.capped",
    "compare_clustered_means": "clusters.compare",
    "compare_compositions": "designs.composition",
    "compare_crossover_means": "designs.crossover",
    "compare_cumulative_means": "survival.cumulative",
    "compare_cupac_means": "adjustment.cupac",
    "compare_difference_in_differences": "designs.differences",
    "compare_event_quantiles": "quantiles.events",
    "compare_factorial": "designs.factorial",
    "compare_geometric_means": "means.geometric",
    "compare_hazards": "survival.hazards",
    "compare_incidence": "survival.incidence_comparison",
    "compare_many_quantiles": "quantiles.band",
    "compare_means": "means.compare",
    "compare_means_of_clusters": "clusters.level",
    "compare_odds": "proportions.odds",
    "compare_ordered_means": "designs.ordered",
    "compare_ordered_proportions": "designs.trend",
    "compare_paired_means": "designs.paired",
    "compare_proportions": "proportions.compare",
    "compare_quantiles": "quantiles.compare",
    "compare_ranks": "ranks.compare",
    "compare_rates": "rates.compare",
    "compare_ratios": "ratios",
    "compare_scores": "scores",
    "compare_stratified_means": "adjustment.strata",
    "compare_survival": "survival.compare",
    "compare_survival_quantiles": "survival.quantiles",
    "compare_switchback": "designs.switchback",
    "compare_trimmed_means": "means.trimmed",
    "cumulative_incidence": "survival.incidence",
    "cumulative_mean": "survival.mean_curve",
    "cupac_predictions": "adjustment.cupac",
    "diagnose_adjustment": "adjustment.diagnosis",
    "equivalence": "margins",
    "estimate_cumulative_means": "survival.cumulative",
    "estimate_means": "means.compare",
    "estimate_proportions": "proportions.estimate",
    "estimate_quantiles": "quantiles.pair",
    "estimate_ratios": "ratios",
    "estimate_scores": "score_pairs",
    "estimate_survival": "survival.compare",
    "fit_bg_nbd": "buying.bg_nbd",
    "fit_gamma_gamma": "buying.gamma_gamma",
    "gatekeeping": "multiplicity.gates",
    "gray_test": "survival.gray",
    "heterogeneity": "segments.compare",
    "heterogeneity_by_dimension": "segments.compare",
    "homogeneity": "counts",
    "intraclass_correlation": "clusters.correlation",
    "log_rank_test": "survival.rank_test",
    "minimum_detectable_effect": "sizing.solve",
    "non_inferiority": "margins",
    "nps": "scores",
    "permutation": "resampling.permutation",
    "pooled_slopes": "adjustment.slopes",
    "power": "sizing.solve",
    "proportion_interval": "proportions.one_sample",
    "proportion_test": "proportions.one_sample",
    "ratio_of_totals": "totals_ratio",
    "sample_ratio": "allocation.ratio",
    "sample_ratio_by_segment": "allocation.segments",
    "sample_size": "sizing.solve",
    "survival_curve": "survival.curve",
    "switchback_test": "designs.randomisation",
}

__all__ = [
    "AdjustedComparison",
    "AdjustedPValues",
    "AdjustmentDiagnosis",
    "ArmPair",
    "BayesArm",
    "BayesComparison",
    "BayesRanking",
    "BetaPrior",
    "BgNbdFit",
    "CappedComparison",
    "ClusterCorrelation",
    "ClusterTable",
    "Clusters",
    "Comparison",
    "ComparisonFamily",
    "ComparisonTable",
    "CompetingTimes",
    "CompositionComparison",
    "CovariateHazard",
    "CrossoverComparison",
    "CumulativeComparison",
    "CumulativeDesign",
    "CumulativeIncidence",
    "CumulativeMean",
    "DecisionRule",
    "DifferenceInDifferences",
    "DoseResponse",
    "Equivalence",
    "EquivalenceTable",
    "EventTimes",
    "ExponentialTimes",
    "FactorialComparison",
    "GammaGammaFit",
    "GammaPrior",
    "GrayTest",
    "HazardComparison",
    "HazardDesign",
    "Heterogeneity",
    "HeterogeneityFamily",
    "IncidenceComparison",
    "Interval",
    "JudgedPair",
    "LogRankTest",
    "MeansDesign",
    "Moments",
    "MomentsTable",
    "NonInferiority",
    "NonInferiorityTable",
    "NormalPrior",
    "NotEstimable",
    "PairEstimate",
    "PowerCurve",
    "PowerResult",
    "PreTrend",
    "PriorAnswer",
    "ProportionTrend",
    "ProportionsDesign",
    "QuantileDesign",
    "QuantileEffects",
    "QuantilePair",
    "RankComparison",
    "RateDesign",
    "RatePair",
    "RatioDesign",
    "RelativeInterval",
    "RepeatedEvents",
    "ResampledComparison",
    "SampleEstimate",
    "SampleQuantile",
    "SampleRatio",
    "ScoreDesign",
    "ScorePair",
    "SegmentEffect",
    "SegmentRatio",
    "SegmentRatios",
    "SurvivalComparison",
    "SurvivalCurve",
    "SurvivalDesign",
    "SwitchbackComparison",
    "SwitchbackTable",
    "SwitchbackTest",
    "Test",
    "TestGraph",
    "TimeQuantileComparison",
    "ValueCounts",
    "WeightedStatistic",
    "adjust",
    "adjust_comparisons",
    "alpha_shares",
    "association",
    "bayes_compare",
    "bootstrap",
    "cluster_bootstrap",
    "compare_adjusted_means",
    "compare_arms",
    "compare_capped_means",
    "compare_clustered_means",
    "compare_compositions",
    "compare_crossover_means",
    "compare_cumulative_means",
    "compare_cupac_means",
    "compare_difference_in_differences",
    "compare_event_quantiles",
    "compare_factorial",
    "compare_geometric_means",
    "compare_hazards",
    "compare_incidence",
    "compare_many_quantiles",
    "compare_means",
    "compare_means_of_clusters",
    "compare_odds",
    "compare_ordered_means",
    "compare_ordered_proportions",
    "compare_paired_means",
    "compare_proportions",
    "compare_quantiles",
    "compare_ranks",
    "compare_rates",
    "compare_ratios",
    "compare_scores",
    "compare_stratified_means",
    "compare_survival",
    "compare_survival_quantiles",
    "compare_switchback",
    "compare_trimmed_means",
    "cumulative_incidence",
    "cumulative_mean",
    "cupac_predictions",
    "diagnose_adjustment",
    "equivalence",
    "estimate_cumulative_means",
    "estimate_means",
    "estimate_proportions",
    "estimate_quantiles",
    "estimate_ratios",
    "estimate_scores",
    "estimate_survival",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "gatekeeping",
    "gray_test",
    "heterogeneity",
    "heterogeneity_by_dimension",
    "homogeneity",
    "intraclass_correlation",
    "log_rank_test",
    "minimum_detectable_effect",
    "non_inferiority",
    "nps",
    "permutation",
    "pooled_slopes",
    "power",
    "proportion_interval",
    "proportion_test",
    "ratio_of_totals",
    "sample_ratio",
    "sample_ratio_by_segment",
    "sample_size",
    "survival_curve",
    "switchback_test",
]


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
