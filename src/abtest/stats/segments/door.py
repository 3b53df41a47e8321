"""Effects of segments at the door: numbers or estimated pairs become estimates and variances."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from abtest.errors import UsageError
from abtest.stats.fieller import Contrast
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.multiplicity.family import named
from abtest.stats.not_estimable import NotEstimable, not_finite
from abtest.stats.pairs import ArmPair
from abtest.stats.proportions.two_by_two import TwoByTwo
from abtest.stats.quantiles.pair import QuantilePair
from abtest.stats.results import PairEstimate
from abtest.stats.score_pairs import JudgedPair

EffectScale = Literal["absolute", "relative"]
"""Whether effects are differences, or differences over |control|."""


@dataclass(frozen=True, eq=False)
class SegmentInputs:
    """Estimates of k segments with sampling variances and degrees of freedom, shape (k,).

    Infinite degrees of freedom are the normal distribution.
    """

    names: tuple[str, ...]
    effects: Floats
    variances: Floats
    df: Floats


def read_segments(
    estimates: Mapping[str, PairEstimate] | Sequence[PairEstimate] | Values,
    variances: Values | None,
    names: Sequence[str] | None,
    scale: EffectScale,
) -> SegmentInputs:
    """Return the effects of segments.

    Raises
    ------
    UsageError
        If they are neither pairs nor numbers with as many variances, or names do not fit.
    NotEstimable
        ``too_few_units`` below two segments, ``constant`` if an estimate has no variance,
        ``zero_denominator`` if a relative effect has no control, ``not_finite``.
    """
    if variances is None:
        inputs = _of_pairs(estimates, names, scale)
    else:
        inputs = _of_numbers(estimates, variances, names)
    if len(set(inputs.names)) != len(inputs.names) or len(inputs.names) != len(inputs.effects):
        raise UsageError(
            "Segments need one name each, all different",
            given=f"{len(inputs.effects)} segments, names {list(inputs.names)}",
            todo="Give every segment once.",
        )
    if len(inputs.effects) < 2:
        raise NotEstimable(
            "too_few_units",
            "Fewer than two segments have an effect to compare",
            given=f"{len(inputs.effects)} segments",
            todo="Choose a dimension with more segments.",
        )
    _require_numbers(inputs)
    return inputs


def _of_pairs(estimates: Any, names: Sequence[str] | None, scale: EffectScale) -> SegmentInputs:
    if isinstance(estimates, Mapping) and names is not None:
        raise UsageError(
            "The segments have names already",
            given=f"a mapping and names {list(names)}",
            todo="Leave names out, or give the segments as a list.",
        )
    if not isinstance(estimates, Mapping | list | tuple):
        raise _no_variances(type(estimates).__name__)
    members = named(estimates, "segments")
    contrasts = [_contrast(name, pair) for name, pair in members.items()]
    parts = [_effect(contrast, scale) for contrast in contrasts]
    df = [math.inf if (d := getattr(pair, "df", None)) is None else d for pair in members.values()]
    return SegmentInputs(
        tuple(members if names is None else map(str, names)),
        np.array([effect for effect, _ in parts]),
        np.array([variance for _, variance in parts]),
        np.array(df, dtype=np.float64),
    )


def _of_numbers(estimates: Any, variances: Any, names: Sequence[str] | None) -> SegmentInputs:
    if isinstance(estimates, Mapping) or isinstance(variances, Mapping):
        if not (isinstance(estimates, Mapping) and isinstance(variances, Mapping)) or names:
            raise _no_variances("a mapping and a list")
        if set(estimates) != set(variances):
            raise _no_variances(f"estimates of {list(estimates)}, variances of {list(variances)}")
        names = list(map(str, estimates))
        variances = [variances[key] for key in estimates]
        estimates = list(estimates.values())
    effects, spread = as_floats(estimates, "estimates"), as_floats(variances, "variances")
    if len(effects) != len(spread):
        raise _no_variances(f"{len(effects)} estimates, {len(spread)} variances")
    labels = map(str, range(1, len(effects) + 1) if names is None else names)
    return SegmentInputs(tuple(labels), effects, spread, np.full(len(effects), np.inf))


def _require_numbers(inputs: SegmentInputs) -> None:
    if np.isnan(inputs.effects).any() or np.isnan(inputs.variances).any():
        raise UsageError(
            "A segment has no estimate or variance",
            given=f"estimates {inputs.effects.tolist()}, variances {inputs.variances.tolist()}",
            todo="Leave out segments that could not be computed.",
        )
    if (inputs.variances < 0.0).any():
        raise UsageError(
            "A variance cannot be below 0",
            given=str(inputs.variances.tolist()),
            todo="Give squares of standard errors.",
        )
    if not (np.isfinite(inputs.effects).all() and np.isfinite(inputs.variances).all()):
        raise not_finite()
    if (inputs.variances == 0.0).any():
        raise NotEstimable(
            "constant",
            "The effect of a segment has no variance to weigh it by",
            given=", ".join(np.array(inputs.names)[inputs.variances == 0.0]),
            todo="Join it with another segment, or leave it out.",
        )


def _contrast(name: str, pair: Any) -> Contrast:
    """Return difference and baseline with their variances; of counts those of the binomial."""
    if isinstance(pair, ArmPair | JudgedPair | QuantilePair):
        return pair.contrast
    if isinstance(pair, TwoByTwo):
        p0, p1 = pair.control_value, pair.treatment_value
        v0, v1 = p0 * (1.0 - p0) / pair.n_control, p1 * (1.0 - p1) / pair.n_treatment
        return Contrast(p1 - p0, p0, v0 + v1, v0, -v0)
    raise _no_variances(f"{name}: {type(pair).__name__}")


def _effect(contrast: Contrast, scale: EffectScale) -> tuple[float, float]:
    """Return an effect and its variance; relative ones by the delta method."""
    if scale == "absolute":
        return contrast.difference, contrast.difference_variance
    baseline = abs(contrast.baseline)
    if baseline == 0.0:
        raise NotEstimable(
            "zero_denominator",
            "A segment whose control is 0 has no relative effect",
            todo="Compare absolute effects, or leave the segment out.",
        )
    relative = contrast.difference / baseline
    turned = contrast.covariance * math.copysign(1.0, contrast.baseline)
    variance = (
        contrast.difference_variance
        - 2.0 * relative * turned
        + relative * relative * contrast.baseline_variance
    )
    return relative, variance / baseline / baseline


def _no_variances(given: str) -> UsageError:
    return UsageError(
        "Segments come as estimated pairs, or as estimates with their variances",
        given=given,
        todo="Give {name: pair}, or estimates and variances of the same segments.",
    )
