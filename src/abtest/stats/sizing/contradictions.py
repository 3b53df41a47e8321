"""Settings of a design that cannot hold together, refused with what is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.results import Alternative

if TYPE_CHECKING:
    from abtest.stats.sizing.design import Design


def direction_of(direction: str | None, alternative: Alternative) -> str:
    """Return which way is good: as given, else that of the alternative, else an increase.

    Raises
    ------
    UsageError
        If a direction is given and the alternative looks the other way.
    """
    looked_for = {"greater": "increase", "less": "decrease"}.get(alternative)
    if direction is None:
        return looked_for or "increase"
    if looked_for not in {None, direction}:
        raise UsageError(
            "The direction and the alternative contradict each other",
            given=f"direction {direction!r} with alternative {alternative!r}",
            todo=f"Leave one of them out: alternative {alternative!r} looks for {_A[looked_for]}.",
        )
    return direction


def refuse_other_rule(design: Design) -> None:
    """Refuse a rule in which there is no metric of the kind that is planned.

    Raises
    ------
    UsageError
        If a guardrail is planned for a rule without guardrails, or a success metric for one
        without success metrics.
    """
    rule = design.rule
    if rule is None:
        return
    is_success = design.test == "superiority"
    if is_success and rule.successes == 0:
        what = "A superiority test is of a success metric, and the decision rule has none"
        todo = "Count this metric among the successes, or plan a guardrail with a margin."
    elif not is_success and rule.guardrails == 0:
        what = "A test with a margin is of a guardrail, and the decision rule has none"
        todo = "Count this metric among the guardrails, or plan a test of superiority."
    else:
        return
    counts = f"successes={rule.successes}, guardrails={rule.guardrails}"
    raise UsageError(what, given=f"test {design.test!r} in DecisionRule({counts})", todo=todo)


def refuse_unreachable_margin(design: Design) -> None:
    """Refuse a margin that no treatment can exceed: a test against it would show nothing.

    Raises
    ------
    UsageError
        If a bound is an end of what the metric can be, or beyond.
    """
    if design.margin is None:
        return
    scale = np.abs(np.asarray(design.value, float)) if design.relative else 1.0
    lowest, highest = design.limits
    fall = float(np.min(-np.asarray(lowest) / scale))
    rise = float(np.min(np.asarray(highest) / scale))
    least, most = min(*design.bounds, 0.0), max(*design.bounds, 0.0)
    # a margin of all there is, but for rounding, is none either
    if -least < fall * (1.0 - 1e-12) and most < rise * (1.0 - 1e-12):
        return
    ends = {"a fall": fall, "a rise": rise}
    if design.test == "non_inferiority":
        ends = {"a fall": fall} if design.direction == "increase" else {"a rise": rise}
    possible = [f"below {end:.6g} for {name}" for name, end in ends.items() if np.isfinite(end)]
    pair = "; margin=(fall, rise) sets each" if design.test == "equivalence" else ""
    kind = "relative" if design.relative else "absolute"
    raise UsageError(
        "No treatment can be beyond the margin, so a test against it would show nothing",
        given=f"{kind} margin {design.margin!r} at a baseline of {_shown(design.value)}",
        todo=f"Give a margin {' and '.join(possible)}{pair}.",
    )


_A = {"increase": "an increase", "decrease": "a decrease"}


def _shown(value: Floats | float | None) -> str:
    """Return one baseline, or the ends of a row of them."""
    ends = np.unique(np.asarray(value, float))
    return f"{ends[0]:.6g}" if ends.size == 1 else f"{ends[0]:.6g} to {ends[-1]:.6g}"
