"""Scores of survey answers: net promoter score, shares of the top answers, ordinal scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.answers import require_scale, scale_ends, scored_answers
from abtest.stats.arguments import require_count, require_interval, require_one_of
from abtest.stats.columns import arm_counts
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.means.compare import compare_means
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.one_sample import SampleEstimate
from abtest.stats.proportions.compare import compare_proportions
from abtest.stats.results import Alternative
from abtest.stats.score_pairs import (
    ADDED,
    NPS_SCALE,
    ScoreKind,
    answer_groups,
    needs_added_counts,
    net_score,
    nps_pair,
    share_of_top,
)
from abtest.stats.tails import critical_value
from abtest.stats.value_counts import ValueCounts

_KINDS = frozenset(get_args(ScoreKind))


def compare_scores(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    kind: ScoreKind = "nps",
    scale: tuple[int, int] | None = None,
    top: int | None = None,
    scores: Mapping[float, float] | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two scores of survey answers with its intervals and test.

    Parameters
    ----------
    control, treatment
        One answer per unit, or `ValueCounts`: the answer is the same. Nulls (no answer) are left
        out and counted.
    kind
        ``nps``: promoters (9, 10) minus detractors (0 to 6) of answers 0 to 10, in points from
        -100 to 100. ``top_box``: the share of the `top` highest answers of a `scale`, such as
        satisfied customers (CSAT). ``ordinal``: the mean of the `scores` given for the answers.
    scale
        Of ``top_box``: lowest and highest answer, whole numbers; (1, 5) unless given.
    top
        Of ``top_box``: how many of the highest answers count; 2 unless given.
    scores
        Of ``ordinal``: answer -> score, for every answer that may occur. The scores are a choice:
        equal steps say that each step is worth the same.
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        ``nps``: in points, `details` has the promoters, passives and detractors of the arms.
        ``top_box``: a share, by `compare_proportions`; ``ordinal``: a mean, by `compare_means`
        (Welch).

    Raises
    ------
    NotEstimable
        ``answer_out_of_range`` if there are answers off the scale, or without a score: they are
        named and counted, never dropped; ``too_few_units``, ``constant``, ``not_finite``.
    UsageError
        If the arguments do not fit together, or the samples come as `Moments`.

    Notes
    -----
    With the shares p of promoters and d of detractors among n answers, the NPS is p - d and its
    variance (p + d - (p - d)^2) / n; the difference is judged by the normal distribution. With
    fewer than 50 answers in an arm, or a group without answers, both arms are judged with 3/4, 3/2
    and 3/4 of an answer added to promoters, passives and detractors (Rocks 2016, "Interval
    estimation for the 'Net Promoter Score'", Am. Stat. 70, 365; warning ``counts_added``); the
    estimates stay those of the data, so that at low levels and few answers they may lie outside
    the interval.

    Examples
    --------
    >>> control = ValueCounts.from_table([3, 6, 7, 8, 9, 10], [40, 60, 80, 70, 50, 30])
    >>> treatment = ValueCounts.from_table([3, 6, 7, 8, 9, 10], [30, 50, 80, 70, 60, 50])
    >>> result = compare_scores(control, treatment)
    >>> round(result.control_value, 2), round(result.absolute.estimate, 2)
    (-6.06, 14.88)
    >>> compare_scores([5, 4, 2, 3], [5, 5, 4, 4], kind="top_box").treatment_value
    1.0
    """
    require_one_of(kind, _KINDS, "kind")
    _require_own(kind, scale, top, scores)
    arms = (arm_counts(control, "control"), arm_counts(treatment, "treatment"))
    if kind == "ordinal":
        points = scored_answers(arms, scores or {})
        result = compare_means(
            points[0], points[1], alternative=alternative, confidence_level=confidence_level
        )
        return replace(result, measure="ordinal_score")
    if kind == "top_box":
        first_top = _first_top(arms, scale, top)
        satisfied = [share_of_top(arm, first_top) for arm in arms]
        result = compare_proportions(
            satisfied[0], satisfied[1], alternative=alternative, confidence_level=confidence_level
        )
        return replace(result, measure="top_box")
    return _compare_nps(arms, alternative, confidence_level)


def nps(
    answers: Values | ValueCounts,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> SampleEstimate:
    """Return the net promoter score of one sample with its interval, in points of -100 to 100.

    Parameters
    ----------
    answers
        One answer from 0 to 10 per unit, or `ValueCounts`; nulls are left out and counted.
    alternative
        ``two-sided``; ``greater`` gives the lower limit alone, ``less`` the upper one.
    confidence_level
        Of the interval.

    Returns
    -------
    SampleEstimate
        `details` has the numbers of ``promoters``, ``passives`` and ``detractors``.

    Raises
    ------
    NotEstimable
        ``answer_out_of_range``, ``too_few_units`` (no answer) or ``not_finite``.
    UsageError
        If the arguments are out of range, or the sample comes as `Moments`.

    Notes
    -----
    Wald's interval, and with fewer than 50 answers or an empty group that with three added
    answers (Rocks 2016; see `compare_scores`), cut off at -100 and 100 and widened to the
    estimate where that lies outside.

    Examples
    --------
    >>> result = nps(ValueCounts.from_table([3, 8, 10], [30, 50, 120]))
    >>> result.estimate, round(result.lower, 2), round(result.upper, 2)
    (45.0, 34.75, 55.25)
    """
    require_interval(confidence_level, alternative)
    arm = arm_counts(answers, "the sample")
    require_scale((arm,), *NPS_SCALE)
    if arm.n == 0:
        raise NotEstimable(
            "too_few_units",
            "There is no answer",
            given=f"{arm.nulls} units without one",
            todo="Wait for answers, or look at why they are missing.",
        )
    groups = answer_groups(arm)
    added = needs_added_counts(groups)
    middle, variance = net_score(groups + ADDED if added else groups)
    estimate = net_score(groups)[0]
    critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
    width = critical * math.sqrt(variance)
    return SampleEstimate(
        measure="nps",
        estimate=estimate,
        lower=None if alternative == "less" else min(max(middle - width, -100.0), estimate),
        upper=None if alternative == "greater" else max(min(middle + width, 100.0), estimate),
        status="bounded" if alternative == "two-sided" else "half_line",
        method="nps_adjusted_wald" if added else "nps_wald",
        alternative=alternative,
        confidence_level=confidence_level,
        n=arm.n,
        nulls=arm.nulls,
        warnings=("counts_added",) if added else (),
        details={
            name: float(count)
            for name, count in zip(("promoters", "passives", "detractors"), groups, strict=True)
        },
    )


def scored_sample(
    answers: ValueCounts,
    kind: ScoreKind,
    scale: tuple[int, int] | None,
    top: int | None,
    scores: Mapping[float, float] | None,
) -> ValueCounts:
    """Return the score of each answer, whose mean is the score of the sample.

    Parameters
    ----------
    answers
        One per unit that answered.
    kind, scale, top, scores
        As in `compare_scores`.

    Raises
    ------
    UsageError
        If arguments do not fit together, or all answers have the same score.
    NotEstimable
        ``answer_out_of_range``.
    """
    require_one_of(kind, _KINDS, "kind")
    _require_own(kind, scale, top, scores)
    if not isinstance(answers, ValueCounts):
        raise UsageError(
            "Past answers are ValueCounts",
            given=repr(answers)[:200],
            todo="Use ValueCounts.from_values(answers).",
        )
    if kind == "ordinal":
        scored = scored_answers((answers, answers), scores or {})[0]
    elif kind == "top_box":
        is_top = answers.values >= _first_top((answers,), scale, top)
        scored = ValueCounts.from_table(is_top.astype(np.float64), answers.counts)
    else:
        require_scale((answers,), *NPS_SCALE)
        points = 100.0 * ((answers.values >= 9).astype(float) - (answers.values <= 6))
        scored = ValueCounts.from_table(points, answers.counts)
    if scored.values.size < 2:
        raise UsageError(
            "Past answers all have the same score, so there is nothing to plan",
            given=f"{answers.n} answers",
            todo="Take more answers of the past.",
        )
    return scored


def _first_top(
    arms: tuple[ValueCounts, ...], scale: tuple[int, int] | None, top: int | None
) -> int:
    """Return the lowest of the top answers, refusing answers off the scale."""
    low, high = scale_ends(scale)
    count = require_count(2 if top is None else top, "top", 1)
    if count > high - low:
        raise UsageError(
            "The top answers cannot be all answers",
            given=f"top {count} of a scale from {low} to {high}",
            todo="Give a smaller top.",
        )
    require_scale(arms, low, high)
    return high - count + 1


def _compare_nps(
    arms: tuple[ValueCounts, ValueCounts], alternative: Alternative, confidence_level: float
) -> Comparison:
    """Return the difference of two net promoter scores, in points."""
    require_scale(arms, *NPS_SCALE)
    if min(arm.n for arm in arms) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    groups = [answer_groups(arm) for arm in arms]
    pair = nps_pair([arms[0]], [arms[1]])
    return replace(
        Comparison.of(pair, arms, alternative, confidence_level, measure="nps"),
        details={
            f"{name}_{arm}": float(group[i])
            for arm, group in zip(("control", "treatment"), groups, strict=True)
            for i, name in enumerate(("promoters", "passives", "detractors"))
        },
    )


def _require_own(
    kind: ScoreKind,
    scale: tuple[int, int] | None,
    top: int | None,
    scores: Mapping[float, float] | None,
) -> None:
    """Refuse arguments of another kind: they would be ignored without a word."""
    owners = {"scale": "top_box", "top": "top_box", "scores": "ordinal"}
    given = {"scale": scale, "top": top, "scores": scores}
    for name, value in given.items():
        if value is not None and owners[name] != kind:
            raise UsageError(
                f"{name} belongs to the kind {owners[name]!r}",
                given=f"kind {kind!r} with {name} {value!r}",
                todo="Leave it out, or give the other kind.",
            )
    if kind == "ordinal" and not isinstance(scores, Mapping):
        raise UsageError(
            "Ordinal answers need the score of each answer",
            given=repr(scores),
            todo="Give scores={answer: score}, such as {1: 0, 2: 50, 3: 100}.",
        )
