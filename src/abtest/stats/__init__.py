"""Statistics of two arms from numbers alone: estimates, intervals, tests, checks of counts.

Names are imported when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abtest.stats.comparison import Comparison
    from abtest.stats.counts import homogeneity, sample_ratio
    from abtest.stats.means import compare_means, estimate_means
    from abtest.stats.moments import Moments
    from abtest.stats.multiplicity import alpha_shares
    from abtest.stats.not_estimable import NotEstimable
    from abtest.stats.pairs import ArmPair
    from abtest.stats.proportions import compare_proportions, estimate_proportions
    from abtest.stats.ratios import compare_ratios, estimate_ratios
    from abtest.stats.results import Interval, PairEstimate, RelativeInterval, Test
    from abtest.stats.score import ScorePair

_HOME = {
    "ArmPair": "pairs",
    "Comparison": "comparison",
    "Interval": "results",
    "Moments": "moments",
    "NotEstimable": "not_estimable",
    "PairEstimate": "results",
    "RelativeInterval": "results",
    "ScorePair": "score",
    "Test": "results",
    "alpha_shares": "multiplicity",
    "compare_means": "means",
    "compare_proportions": "proportions",
    "compare_ratios": "ratios",
    "estimate_means": "means",
    "estimate_proportions": "proportions",
    "estimate_ratios": "ratios",
    "homogeneity": "counts",
    "sample_ratio": "counts",
}

__all__ = [
    "ArmPair",
    "Comparison",
    "Interval",
    "Moments",
    "NotEstimable",
    "PairEstimate",
    "RelativeInterval",
    "ScorePair",
    "Test",
    "alpha_shares",
    "compare_means",
    "compare_proportions",
    "compare_ratios",
    "estimate_means",
    "estimate_proportions",
    "estimate_ratios",
    "homogeneity",
    "sample_ratio",
]


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
