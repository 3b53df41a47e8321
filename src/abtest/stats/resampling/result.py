"""What a comparison by resampling answers."""

from __future__ import annotations

from dataclasses import dataclass

from abtest.stats.comparison import Comparison


@dataclass(frozen=True)
class ResampledComparison(Comparison):
    """A comparison made by drawing samples, with what is needed to draw them again.

    Attributes
    ----------
    replicates
        Samples drawn; of an exact permutation test the ways to deal the values to the arms that
        differ. The other fields are those of `Comparison`.
    seed
        Of the random numbers: the same seed and data give the same answer. None where nothing
        was drawn.
    """

    replicates: int = 0
    seed: int | None = None
