"""The three questions about a design: power, sample size, minimum detectable effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from abtest.stats.moments import Floats
from abtest.stats.sizing.answers import PowerResult
from abtest.stats.sizing.contrast import guessed_units, probit
from abtest.stats.sizing.curve import PowerCurve
from abtest.stats.sizing.design import Design, DesignRows
from abtest.stats.sizing.numbers import Words
from abtest.stats.sizing.request import MOST_UNITS, Request
from abtest.stats.sizing.roots import rising_root
from abtest.stats.sizing.steps import smallest_step

Row: TypeAlias = Sequence[float] | NDArray[Any]
"""Several numbers."""

_STEPS = 50
"""Effects that are tried where the largest possible one is not found."""
_ROUNDING = 1e-8
"""By how much a power may miss what was asked for where it was asked for exactly."""


@overload
def power(design: Design, *, units: float, effect: float) -> PowerResult: ...
@overload
def power(design: Design, *, units: Row, effect: float | Row) -> PowerCurve: ...
@overload
def power(design: Design, *, units: float, effect: Row) -> PowerCurve: ...
@overload
def power(design: DesignRows, *, units: float | Row, effect: float | Row) -> PowerCurve: ...


def power(
    design: Design | DesignRows, *, units: float | Row, effect: float | Row
) -> PowerResult | PowerCurve:
    """Return the probability that the test shows what it is to show.

    Parameters
    ----------
    design
        What is measured and how it is judged; ``design.over(...)`` for a curve.
    units
        Over all arms; need not be whole. An array for a curve.
    effect
        The true effect, on the design's scale: treatment - control, or a share of the baseline.
        It may be 0 or lie against the alternative. An array for a curve.

    Returns
    -------
    PowerResult or PowerCurve
        A curve if anything is an array.

    Raises
    ------
    UsageError
        If an argument cannot be; for a single request also if an arm has too few units
        (``too_few_units``) or the effect is impossible (``out_of_range``). A curve has those in
        its `status`.

    Examples
    --------
    >>> from abtest.stats import MeansDesign
    >>> result = power(MeansDesign(sd=1.0), units=128, effect=0.5)
    >>> round(result.power, 4), result.formula
    (0.8015, 'noncentral_t_welch')
    """
    request = Request.of(design, units=units, effect=effect)
    status = _first(
        [~request.is_possible(request.effect), request.units < request.smallest * (1.0 - 1e-12)],
        ["out_of_range", "too_few_units"],
        "ok",
    )
    return request.answer("power", status, request.effect, request.units, request.units)


@overload
def sample_size(design: Design, *, effect: float) -> PowerResult: ...
@overload
def sample_size(design: Design, *, effect: Row) -> PowerCurve: ...
@overload
def sample_size(design: DesignRows, *, effect: float | Row) -> PowerCurve: ...


def sample_size(design: Design | DesignRows, *, effect: float | Row) -> PowerResult | PowerCurve:
    """Return how many units the test needs for the power that the design asks for.

    Parameters
    ----------
    design
        What is measured and how it is judged; ``design.over(...)`` for a curve.
    effect
        The true effect, on the design's scale. For non-inferiority and equivalence usually 0. An
        array for a curve.

    Returns
    -------
    PowerResult or PowerCurve
        Units of every arm are rounded up (to whole clusters where there are any) and `power` is
        what they achieve; `units_exact` is the solution before.

    Raises
    ------
    UsageError
        If an argument cannot be; for a single request also if no number of units gives the power:
        ``no_effect``, ``wrong_direction``, ``margin_not_met``, ``out_of_range``,
        ``too_many_units``. A curve has those in its `status`.

    Examples
    --------
    >>> from abtest.stats import ProportionsDesign
    >>> result = sample_size(ProportionsDesign(0.20), effect=0.05)
    >>> result.units, result.units_by_arm, round(result.power, 4)
    (2188, (1094, 1094), 0.8001)
    """
    request = Request.of(design, effect=effect)
    effects = request.effect
    status = _no_size(request)
    status = np.where(request.smallest > MOST_UNITS, "too_many_units", status)
    usable = status == "ok"
    kept = np.where(usable, effects, request.some_effect)
    low = np.sqrt(request.smallest)
    target = probit(request.target)

    def excess(root: Floats) -> Floats:
        return probit(request.power_at(root * root, kept)) - target

    guess = np.sqrt(np.clip(guessed_units(request.design, kept), 1.0, MOST_UNITS))
    most = np.maximum(low, np.sqrt(MOST_UNITS))
    found = rising_root(excess, low, np.clip(guess, low, most), most) ** 2
    status = np.where(usable & np.isnan(found), "too_many_units", status)
    exact = np.where(found == low * low, request.smallest, found)
    return request.answer("sample_size", status, effects, exact, None)


@overload
def minimum_detectable_effect(design: Design, *, units: float) -> PowerResult: ...
@overload
def minimum_detectable_effect(design: Design, *, units: Row) -> PowerCurve: ...
@overload
def minimum_detectable_effect(design: DesignRows, *, units: float | Row) -> PowerCurve: ...


def minimum_detectable_effect(
    design: Design | DesignRows, *, units: float | Row
) -> PowerResult | PowerCurve:
    """Return the true effect that the test finds with the power that the design asks for.

    For superiority it is the smallest such effect, in the direction of the alternative or, where
    that is two-sided, of ``direction``. For non-inferiority it is the worst true effect that is
    still shown to be within the margin (a loss, if there are enough units), for equivalence the
    largest one, in ``direction``. Where a quantile moves by steps alone it is the nearest step.

    Parameters
    ----------
    design
        What is measured and how it is judged; ``design.over(...)`` for a curve.
    units
        Over all arms; need not be whole. An array for a curve.

    Returns
    -------
    PowerResult or PowerCurve
        The effect on the design's scale and on both.

    Raises
    ------
    UsageError
        If an argument cannot be; for a single request also if an arm has too few units
        (``too_few_units``) or no possible effect reaches the power (``unreachable``). A curve has
        those in its `status`.

    Examples
    --------
    >>> from abtest.stats import ProportionsDesign
    >>> result = minimum_detectable_effect(ProportionsDesign(0.20), units=2188)
    >>> round(result.effect, 4), round(result.relative_effect, 3)
    (0.05, 0.25)
    """
    request = Request.of(design, units=units)
    few = request.units < request.smallest * (1.0 - 1e-12)
    totals = np.where(few, request.smallest, request.units)
    if request.design.steps is not None:
        found = smallest_step(request, totals)
        status = _first([few, np.isnan(found)], ["too_few_units", "unreachable"], "ok")
        return request.answer("effect", status, found, request.units, request.units)
    start, sign, reach = _search_line(request, totals)
    target = probit(request.target)
    falls = request.design.test == "equivalence"  # power falls from the start to the margin

    def excess(distance: Floats) -> Floats:
        above = probit(request.power_at(totals, start + sign * distance)) - target
        return -above if falls else above

    zero = np.zeros(totals.shape)
    guess = np.minimum(_guessed_distance(request, totals, start, reach), reach)
    distance = rising_root(excess, zero, guess, reach)
    never = np.isnan(distance)
    if falls and (distance == 0.0).any():  # not even there, but for rounding
        never = request.power_at(totals, start) < request.target - _ROUNDING
    elif never.any():
        distance = _nearer_root(excess, distance, reach)
        never = np.isnan(distance)
    status = _first([few, never], ["too_few_units", "unreachable"], "ok")
    return request.answer("effect", status, start + sign * distance, request.units, request.units)


def _first(conditions: list[Any], words: list[str], otherwise: str) -> Words:
    """Return the word of the first condition that holds, by row."""
    return np.asarray(np.select(conditions, [np.array(word) for word in words], otherwise))


def _no_size(request: Request) -> Words:
    """Return why no number of units would do, or ``ok``."""
    design, effect = request.design, request.effect
    impossible = ~request.is_possible(effect)
    if design.test == "superiority":
        wrong = (design.sides == 1) & (effect * design.sign < 0.0)
        return _first(
            [effect == 0.0, wrong, impossible],
            ["no_effect", "wrong_direction", "out_of_range"],
            "ok",
        )
    if design.test == "non_inferiority":
        outside = (effect - design.bounds[0]) * design.sign <= 0.0
    else:
        outside = (effect <= design.bounds[0]) | (effect >= design.bounds[1])
    return _first([impossible, outside], ["out_of_range", "margin_not_met"], "ok")


def _nearer_root(excess: Callable[[Floats], Floats], root: Floats, reach: Floats) -> Floats:
    """Return the root, where it is NaN also from where the power is enough before the far end.

    An effect that leaves the treatment next to no variance leaves Welch's test few degrees of
    freedom too, so that power may fall again towards the end of what is possible.
    """
    first = np.full(root.shape, np.nan)
    ends = np.where(np.isfinite(reach), reach, 0.0)
    for part in np.linspace(0.0, 1.0, _STEPS + 1)[1:-1]:
        enough = np.isnan(first) & (excess(part * ends) >= 0.0)
        first = np.where(enough, part * ends, first)
    found = np.isnan(root) & np.isfinite(first)
    if not found.any():
        return root
    last = np.where(found, first, 0.0)
    return np.where(found, rising_root(excess, np.zeros(root.shape), last, last), root)


def _search_line(request: Request, totals: Floats) -> tuple[Floats, float, Floats]:
    """Return where the search for an effect starts, which way it goes and how far it may."""
    design = request.design
    sign = design.sign
    scale = np.abs(np.asarray(design.value, float)) if design.relative else 1.0
    lowest, highest = (
        np.broadcast_to(np.asarray(limit) / scale, totals.shape) for limit in design.limits
    )
    if design.test == "equivalence":
        ends = np.maximum(lowest, design.bounds[0]), np.minimum(highest, design.bounds[1])
        start = np.zeros(totals.shape)
        if (request.power_at(totals, start) < request.target - _ROUNDING).any():
            start = _most_equivalent(request, totals, ends)
        return start, sign, np.abs((ends[1] if sign > 0.0 else ends[0]) - start)
    start = np.clip(np.full(totals.shape, design.bounds[0]), lowest, highest)
    return start, sign, np.abs((highest if sign > 0.0 else lowest) - start)


def _most_equivalent(request: Request, totals: Floats, ends: tuple[Floats, Floats]) -> Floats:
    """Return the effect that is shown to be equivalent most often, by golden section.

    It is not 0 where margins are uneven, or relative: a larger effect has a larger error there.
    """
    golden = (5.0**0.5 - 1.0) / 2.0
    low, high = ends
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        rises = request.power_at(totals, left) < request.power_at(totals, right)
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    return np.asarray(0.5 * (low + high))


def _guessed_distance(request: Request, totals: Floats, start: Floats, reach: Floats) -> Floats:
    """Return about how far an effect is from the start: the variance next to the hypothesis."""
    design = request.design
    if design.test == "equivalence":
        halfway = guessed_units(design, start + 0.5 * design.sign * reach)
        return np.asarray(reach * np.maximum(1.0 - 0.5 * np.sqrt(halfway / totals), 0.1))
    scale = np.abs(np.asarray(design.value, float)) if design.relative else 1.0
    spread = np.sqrt(np.maximum(*design.unit_variances(np.zeros(totals.shape))))
    probe = 1e-3 * design.sign * spread / scale
    low, high = (np.asarray(limit) / scale for limit in design.limits)
    probe = np.clip(start + probe, low, high) - start
    return np.asarray(np.abs(probe) * np.sqrt(guessed_units(design, start + probe) / totals))
