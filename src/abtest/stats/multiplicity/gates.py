"""Gatekeeping: tests that hand their share of alpha on when they are rejected."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from abtest.errors import UsageError
from abtest.stats.arguments import require_share
from abtest.stats.floats import Values
from abtest.stats.multiplicity.adjusted import AdjustedPValues
from abtest.stats.multiplicity.family import p_value_family
from abtest.stats.multiplicity.graph import TestGraph

_EPSILON = Fraction(1, 2**1100)
"""Smaller than any float, so that a weight of this size is exactly 0 once it is one."""
_SIMPLE = 10**9
"""Largest denominator: it makes one third of 0.3333333333333333."""


def gatekeeping(
    p_values: Mapping[str, float] | Values, graph: TestGraph, *, alpha: float = 0.05
) -> AdjustedPValues:
    """Return adjusted p-values of tests that hand their share of alpha on when rejected.

    The family-wise error is at most alpha under any dependence, whatever the graph: it is a
    short cut through the closed test of weighted Bonferroni tests.

    Parameters
    ----------
    p_values
        One per test of the graph, by name or in its order.
    graph
        Serial, parallel, fallback, a fixed sequence, or any other `TestGraph`.
    alpha
        Level of the family.

    Raises
    ------
    UsageError
        If the p-values do not fit the graph, or alpha is not between 0 and 1.

    Notes
    -----
    The sequentially rejective procedure of Bretz, Maurer, Brannath & Posch (2009, Stat. Med. 28,
    586, algorithm 1), and the smallest levels at which it rejects. Fractions are exact, so that
    leftovers are the limit of their epsilon edges; R's gMCP takes epsilon = 0.001 and comes close.

    Examples
    --------
    >>> from abtest.stats import TestGraph
    >>> graph = TestGraph.sequence(["first", "second", "third"])
    >>> gatekeeping([0.01, 0.3, 0.001], graph).adjusted
    (0.01, 0.3, 0.3)
    """
    require_share(alpha, "alpha")
    names, values = p_value_family(p_values, None if isinstance(p_values, Mapping) else graph.names)
    if set(names) != set(graph.names):
        raise UsageError(
            "The p-values are not those of the graph",
            given=f"p-values of {list(names)}",
            todo=f"Give one for each of {', '.join(graph.names)}.",
        )
    by_name = dict(zip(names, values.tolist(), strict=True))
    p = [by_name[name] for name in graph.names]
    adjusted = _sequentially_rejected(p, *_exact(graph))
    return AdjustedPValues(
        names=graph.names,
        p_values=tuple(p),
        adjusted=tuple(adjusted),
        rejected=tuple(value <= alpha for value in adjusted),
        weights=graph.weights,
        method="graph",
        controls="family_wise_error",
        alpha=float(alpha),
    )


def _sequentially_rejected(
    p: list[float], weights: list[Fraction], edges: list[list[Fraction]]
) -> list[float]:
    """Return adjusted p-values, taking out the test with the smallest p / weight each time."""
    open_tests = list(range(len(p)))
    adjusted, largest = [1.0] * len(p), 0.0
    while open_tests:
        ratios = {i: _ratio(p[i], float(weights[i])) for i in open_tests}
        best = min(open_tests, key=lambda i: ratios[i])
        largest = max(largest, min(ratios[best], 1.0))
        if largest >= 1.0:
            break
        adjusted[best] = largest
        open_tests.remove(best)
        for i in open_tests:
            weights[i] += weights[best] * edges[best][i]
        edges = _without(edges, best, open_tests)
    return adjusted


def _without(edges: list[list[Fraction]], gone: int, left: list[int]) -> list[list[Fraction]]:
    """Return the edges after a test is taken out: what went to it goes to its heirs."""
    new = [[Fraction(0)] * len(edges) for _ in edges]
    for i in left:
        around = edges[i][gone] * edges[gone][i]
        if around >= 1:
            continue
        for j in left:
            if i != j:
                new[i][j] = (edges[i][j] + edges[i][gone] * edges[gone][j]) / (1 - around)
    return new


def _exact(graph: TestGraph) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Return weights and edges as fractions, leftovers with a share of epsilon."""
    weights = [_fraction(weight) for weight in graph.weights]
    edges = []
    for source in graph.names:
        passed, left = graph.passes.get(source, {}), graph.leftovers.get(source, {})
        share = _EPSILON if any(passed.values()) else Fraction(1)
        row = [
            _fraction(passed.get(target, 0.0)) * ((1 - share) if any(left.values()) else 1)
            + _fraction(left.get(target, 0.0)) * share
            for target in graph.names
        ]
        total = sum(row, Fraction(0))
        edges.append([edge / total for edge in row] if total > 1 else row)
    total = sum(weights, Fraction(0))
    return [weight / total for weight in weights] if total > 1 else weights, edges


def _fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_SIMPLE) or Fraction(value)


def _ratio(p: float, weight: float) -> float:
    """Return p / weight; a test without weight cannot be rejected, not even with p = 0."""
    return p / weight if weight > p else 1.0
