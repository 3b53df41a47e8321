"""A statistic of weighted values, and its value in many bootstrap samples of one arm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of, require_share
from abtest.stats.means.ranks import inverse_quantile
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.resampling.large import fast_means
from abtest.stats.value_counts import ValueCounts

UserStatistic: TypeAlias = Callable[[Any, Any], Any]
"""(values, weights) -> a number: distinct values (k,) rising, and the units with each (k,)."""
_NAMES = frozenset({"mean"})
_CELLS = 2_000_000
"""Weights that are held at once."""


@dataclass(frozen=True)
class Resampling:
    """How samples are drawn.

    Attributes
    ----------
    replicates
        How many.
    poisson
        Whether each unit counts a Poisson(1) number of times, or n units are drawn.
    """

    replicates: int
    poisson: bool = False

    def weights(self, counts: Any, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield the units with each value in bootstrap samples, shape (some samples, k)."""
        rows = max(_CELLS // len(counts), 1)
        n = int(counts.sum())
        left = self.replicates
        while left:
            size = min(rows, left)
            if self.poisson:
                drawn = rng.poisson(counts, size=(size, len(counts)))
                drawn = drawn[drawn.sum(axis=1) > 0]  # a sample without units has no statistic
            else:
                drawn = rng.multinomial(n, counts / n, size=size)
            left -= len(drawn)
            yield drawn.astype(np.float64)


class Statistic(Protocol):
    """What is estimated of each arm."""

    @property
    def name(self) -> Literal["mean", "quantile", "statistic"]:
        """What it is called."""

    @property
    def details(self) -> dict[str, float]:
        """Numbers that belong to its name."""

    def of(self, sample: ValueCounts) -> float:
        """Return its value in a sample."""

    def rows(self, values: Floats, weights: Floats) -> Floats:
        """Return its values in samples of the same values, weights of shape (r, k)."""

    def resampled(self, sample: ValueCounts, how: Resampling, rng: np.random.Generator) -> Floats:
        """Return its values in bootstrap samples, shape (replicates,)."""


@dataclass(frozen=True)
class Mean:
    """The mean."""

    @property
    def name(self) -> Literal["mean"]:
        """What it is called."""
        return "mean"

    @property
    def details(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def of(self, sample: ValueCounts) -> float:
        """Return its value in a sample."""
        return float(sample.moments().mean[0])

    def rows(self, values: Floats, weights: Floats) -> Floats:
        """Return its values in samples of the same values."""
        pilot = float(values[len(values) // 2])
        sums: Floats = weights @ (values - pilot)
        means: Floats = pilot + sums / weights.sum(axis=1)
        return means

    def resampled(self, sample: ValueCounts, how: Resampling, rng: np.random.Generator) -> Floats:
        """Return its values in bootstrap samples; of many units without drawing each value."""
        found = fast_means(sample, how.replicates, rng, poisson=how.poisson)
        return _drawn(self, sample, how, rng) if found is None else found


@dataclass(frozen=True)
class SampleQuantile:
    """The smallest value that a share of the units does not exceed, as a statistic.

    Attributes
    ----------
    share
        Of the units, between 0 and 1.

    Examples
    --------
    >>> SampleQuantile(0.5).of(ValueCounts.from_values([1.0, 2.0, 9.0]))
    2.0
    """

    share: float

    def __post_init__(self) -> None:
        require_share(self.share, "share", "0.9")
        object.__setattr__(self, "share", float(self.share))

    @property
    def name(self) -> Literal["quantile"]:
        """What it is called."""
        return "quantile"

    @property
    def details(self) -> dict[str, float]:
        """Which quantile."""
        return {"quantile": self.share}

    def of(self, sample: ValueCounts) -> float:
        """Return its value in a sample."""
        return inverse_quantile(sample, self.share)

    def rows(self, values: Floats, weights: Floats) -> Floats:
        """Return its values in samples of the same values."""
        reached = np.cumsum(weights, axis=1)
        needed = _ranks(self.share, reached[:, -1].astype(np.int64))
        found: Floats = values[(reached < needed[:, None]).sum(axis=1)]
        return found

    def resampled(self, sample: ValueCounts, how: Resampling, rng: np.random.Generator) -> Floats:
        """Return its values in bootstrap samples, exactly, by one draw for each.

        The k-th smallest of W units drawn from the sample is its value at the k-th smallest of W
        uniform numbers, which is Beta(k, W - k + 1) (David & Nagaraja 2003, Order Statistics,
        section 2.1). A Poisson bootstrap has a Poisson number W of units.
        """
        n = sample.n
        units = np.full(how.replicates, n)
        if how.poisson:
            units = rng.poisson(n, how.replicates)
            while (none := units == 0).any():
                units[none] = rng.poisson(n, int(none.sum()))
        ranks = _ranks(self.share, units)
        reached = np.cumsum(sample.counts) / n
        return sample.values[np.searchsorted(reached[:-1], rng.beta(ranks, units - ranks + 1))]


def _ranks(share: float, units: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.int64]:
    """Return the rank of a quantile among so many units: ceil(share * units), at least 1."""
    part = Fraction(repr(share))
    if part.numerator < 2**62 // int(units.max()):
        ranks = -(-part.numerator * units // part.denominator)
    else:
        ranks = np.ceil(share * units).astype(np.int64)
    return np.clip(ranks, 1, units)


@dataclass(frozen=True)
class WeightedStatistic:
    """Any statistic of an arm, as a function of its distinct values and their weights.

    Attributes
    ----------
    function
        (values, weights) -> a number: distinct values, rising, shape (k,), and how many units
        have each, shape (k,), as floats; a weight may be 0.
    standard_error
        The same for its standard error, which studentized intervals need.
    vectorized
        Whether both take weights of many samples, shape (r, k), and return shape (r,): faster.

    Examples
    --------
    >>> share = WeightedStatistic(lambda values, weights: weights[values > 1].sum() / weights.sum())
    >>> share.of(ValueCounts.from_values([0.0, 1.0, 2.0, 5.0]))
    0.5
    """

    function: UserStatistic
    standard_error: UserStatistic | None = None
    vectorized: bool = False

    def __post_init__(self) -> None:
        functions = callable(self.function) and (
            self.standard_error is None or callable(self.standard_error)
        )
        if not (functions and isinstance(self.vectorized, bool)):
            raise UsageError(
                "A statistic is a function of values and weights",
                given=repr(self.function),
                todo="Give functions, and vectorized as True or False.",
            )

    @property
    def name(self) -> Literal["statistic"]:
        """What it is called."""
        return "statistic"

    @property
    def details(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def of(self, sample: ValueCounts) -> float:
        """Return its value in a sample."""
        return float(self.rows(sample.values, sample.counts[None, :].astype(np.float64))[0])

    def rows(self, values: Floats, weights: Floats) -> Floats:
        """Return its values in samples of the same values.

        Raises
        ------
        UsageError
            If it returns something else than one number for each sample.
        NotEstimable
            ``not_finite`` if one of them is not finite.
        """
        return self._called(self.function, values, weights)

    def errors(self, values: Floats, weights: Floats) -> Floats:
        """Return its standard errors in samples of the same values.

        Raises
        ------
        UsageError, NotEstimable
            As `rows`; also where there is no function for them.
        """
        if self.standard_error is None:
            raise UsageError(
                "A studentized interval needs the standard error of the statistic",
                given="a statistic without one",
                todo="Give WeightedStatistic(function, standard_error=another_function).",
            )
        return self._called(self.standard_error, values, weights)

    def _called(self, function: UserStatistic, values: Floats, weights: Floats) -> Floats:
        if self.vectorized:
            found = function(values, weights)
        else:
            found = [function(values, row) for row in weights]
        try:
            numbers = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape != weights.shape[:1]:
            raise UsageError(
                "A statistic returns one number for each sample",
                given=f"{np.shape(found)} for {len(weights)} samples",
                todo="Take (values, weights) and return a number; with vectorized=True, "
                "weights have one row per sample.",
            )
        if not np.isfinite(numbers).all():
            raise NotEstimable(
                "not_finite",
                "The statistic is not finite in every sample",
                given=f"{int((~np.isfinite(numbers)).sum())} of {len(numbers)} samples",
                todo="Let it answer for samples in which few values, or a single one, occur.",
            )
        return numbers

    def resampled(self, sample: ValueCounts, how: Resampling, rng: np.random.Generator) -> Floats:
        """Return its values in bootstrap samples."""
        return _drawn(self, sample, how, rng)


def _drawn(
    statistic: Statistic, sample: ValueCounts, how: Resampling, rng: np.random.Generator
) -> Floats:
    chunks = how.weights(sample.counts, rng)
    return np.concatenate([statistic.rows(sample.values, weights) for weights in chunks])


def statistic_of(statistic: Literal["mean"] | UserStatistic | Statistic) -> Statistic:
    """Return the statistic that was asked for: a name, a function, or one of those above.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    if isinstance(statistic, Mean | SampleQuantile | WeightedStatistic):
        return statistic
    if callable(statistic):
        return WeightedStatistic(statistic)
    require_one_of(statistic, _NAMES, "statistic (or give SampleQuantile(0.9), or a function)")
    return Mean()
