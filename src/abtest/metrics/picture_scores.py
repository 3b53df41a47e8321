"""Survey answers by group, as figures show them: numbers, scores, and their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from abtest.metrics.picture_arms import estimate_of

if TYPE_CHECKING:
    from abtest.show.estimate_words import Estimate
    from abtest.show.score_plot import ScoreArm
    from abtest.stats.results import PairEstimate
    from abtest.stats.value_counts import ValueCounts

Groups = Mapping[str, tuple[float, float] | None]
"""Name -> lowest and highest answer; None for the answers in no other group."""
Measure = Literal["net", "top"]

NPS_GROUPS = {"detractors": (0.0, 6.0), "passives": (7.0, 8.0), "promoters": (9.0, 10.0)}
OTHERS = "other answers"


@dataclass(frozen=True)
class AnswerScore:
    """What answers are scored by that are drawn one by one: its name, and how arms are compared."""

    what: str
    compare: Callable[[ValueCounts, ValueCounts], PairEstimate]
    is_share: bool = False

    def words(self, names: tuple[str, str], pair: PairEstimate, level: float) -> tuple[str, str]:
        """Return the score of control and treatment, and their difference."""
        from abtest.show.estimate_words import Estimate, like, signed
        from abtest.show.plot_frame import in_sentence

        factor, sign, unit = (100.0, "%", "points") if self.is_share else (1.0, "", "")
        raw = estimate_of(pair.absolute(level))
        ends = (None if x is None else factor * x for x in (raw.lower, raw.upper))
        difference = Estimate(factor * raw.value, *ends)
        scores = ", ".join(
            f"{in_sentence(name)} {like(factor * value, difference)}{sign}"
            for name, value in zip(names, (pair.control_value, pair.treatment_value), strict=True)
        )
        return f"{self.what}: {scores}.", f"Difference {signed(difference, level, unit)}."


def measure_of(groups: Mapping[str, tuple[float, float]]) -> Measure:
    """Return what groups are scored by: those of the net promoter score have it."""
    ranges = sorted((float(low), float(high)) for low, high in groups.values())
    return "net" if ranges == sorted(NPS_GROUPS.values()) else "top"


def ordered_groups(
    groups: Mapping[str, tuple[float, float]], arms: Iterable[ValueCounts]
) -> dict[str, tuple[float, float] | None]:
    """Return the groups from the lowest to the highest, before them the rest of answers if any.

    Examples
    --------
    >>> from abtest.stats import ValueCounts
    >>> ordered_groups({"top": (4, 5)}, [ValueCounts.from_values([1.0, 5.0])])
    {'other answers': None, 'top': (4, 5)}
    """
    ordered = dict(sorted(groups.items(), key=lambda item: tuple(item[1])))
    rest = any(group_counts(arm, ordered)[0] for arm in arms)
    return {OTHERS: None, **ordered} if rest else {**ordered}


def group_counts(arm: ValueCounts, groups: Groups) -> tuple[int, list[int]]:
    """Return the answers in no group, and those in each.

    An answer is in the first group that holds it.
    """
    left, counts = arm.counts.copy(), []
    for ends in groups.values():
        held = np.zeros(left.shape, dtype=bool)
        if ends is not None:
            held = (arm.values >= ends[0]) & (arm.values <= ends[1])
        counts.append(int(left[held].sum()))
        left[held] = 0
    return int(left.sum()), counts


def score_arm(
    name: str, arm: ValueCounts, groups: Groups, measure: Measure, difference: Estimate | None
) -> ScoreArm:
    """Return an arm's answers by group with its score."""
    from abtest.show.score_plot import ScoreArm

    rest, counts = group_counts(arm, groups)
    if None in groups.values():
        counts[0] = rest
    score = 100.0 * (counts[-1] - counts[0]) / arm.n if measure == "net" else counts[-1] / arm.n
    return ScoreArm(name, tuple(counts), arm.nulls, score, difference)


def score_difference(
    control: ValueCounts, treatment: ValueCounts, groups: Groups, measure: Measure, level: float
) -> Estimate:
    """Return the difference of net scores in points, or of the shares of the highest group.

    Raises
    ------
    NotEstimable
        As `compare_scores` and `compare_proportions`.
    """
    from abtest.stats.moments import Moments
    from abtest.stats.proportions.compare import compare_proportions
    from abtest.stats.scores import compare_scores

    if measure == "net":
        return estimate_of(compare_scores(control, treatment, confidence_level=level).absolute)
    first, second = (
        Moments.from_counts(arm.n, group_counts(arm, groups)[1][-1]) for arm in (control, treatment)
    )
    return estimate_of(compare_proportions(first, second, confidence_level=level).absolute)
