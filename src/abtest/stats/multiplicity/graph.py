"""Who inherits the share of alpha of a rejected test: gatekeeping and its kin as graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from abtest.errors import UsageError
from abtest.stats.floats import as_floats

Edges: TypeAlias = Mapping[str, Mapping[str, float]]
"""From the name of a test to the shares of its weight that it passes to others."""

_SLACK = 1e-9


@dataclass(frozen=True)
class TestGraph:
    """Which test starts with which share of alpha, and who inherits it on rejection.

    Attributes
    ----------
    names
        The tests.
    weights
        Share of alpha that each starts with; they sum to at most 1, and may be 0.
    passes
        What a rejected test passes on: from its name to the shares that others get; they sum to
        at most 1. A test that is missing passes nothing on.
    leftovers
        The same for what is inherited only when nothing in `passes` is left: the "epsilon edges"
        of Bretz et al., taken to their limit exactly.

    Examples
    --------
    Two primary metrics, each with a secondary one behind it:

    >>> graph = TestGraph(
    ...     ("signup", "revenue", "retention", "invites"),
    ...     (0.5, 0.5, 0.0, 0.0),
    ...     {"signup": {"retention": 1.0}, "revenue": {"invites": 1.0}},
    ... )
    >>> graph.names
    ('signup', 'revenue', 'retention', 'invites')
    """

    __test__ = False  # not a test class of pytest

    names: tuple[str, ...]
    weights: tuple[float, ...]
    passes: Edges
    leftovers: Edges

    def __init__(
        self,
        names: Sequence[str],
        weights: Sequence[float],
        passes: Edges,
        leftovers: Edges | None = None,
    ) -> None:
        shares = as_floats(weights, "weights").tolist()
        if not names or len(set(names)) != len(names) or len(shares) != len(names):
            raise UsageError(
                "A graph needs one weight per test, and names that differ",
                given=f"tests {list(names)}, weights {shares}",
                todo="Give every test once, with a weight of 0 where it starts with nothing.",
            )
        _require_shares(shares, "the weights of the tests")
        for edges in (passes, leftovers or {}):
            for source, targets in edges.items():
                unknown = {source, *targets} - set(names)
                if unknown or source in targets:
                    raise UsageError(
                        "An edge of the graph leads from one of its tests to another",
                        given=f"{source!r} to {sorted(targets)}",
                        todo=f"The tests are {', '.join(names)}.",
                    )
                passed = as_floats(list(targets.values()), "passes").tolist()
                _require_shares(passed, f"what {source!r} passes on")
        object.__setattr__(self, "names", tuple(map(str, names)))
        object.__setattr__(self, "weights", tuple(shares))
        object.__setattr__(self, "passes", {name: dict(to) for name, to in passes.items()})
        object.__setattr__(
            self, "leftovers", {name: dict(to) for name, to in (leftovers or {}).items()}
        )

    @classmethod
    def sequence(cls, names: Sequence[str]) -> TestGraph:
        """Return a fixed sequence: each test at all of alpha, as long as all before rejected.

        Examples
        --------
        >>> TestGraph.sequence(["first", "second"]).weights
        (1.0, 0.0)
        """
        return cls.fallback(names, [1.0, *(0.0 for _ in names[1:])])

    @classmethod
    def fallback(cls, names: Sequence[str], weights: Sequence[float]) -> TestGraph:
        """Return the fallback procedure (Wiens 2003, Pharm. Stat. 2, 211).

        Tests in a fixed order, each with its own share of alpha and what the one before it, if
        rejected, hands on.

        Examples
        --------
        >>> from abtest.stats import gatekeeping
        >>> graph = TestGraph.fallback(["revenue", "retention"], [0.5, 0.5])
        >>> gatekeeping([0.02, 0.045], graph).adjusted
        (0.04, 0.045)
        """
        return cls(
            names,
            weights,
            {one: {other: 1.0} for one, other in pairwise(names)},
        )

    @classmethod
    def serial(cls, families: Sequence[Mapping[str, float] | Sequence[str]]) -> TestGraph:
        """Return serial gatekeeping: a family is tested once all of those before are rejected.

        Within a family it is Holm's procedure with the weights given (Maurer, Hothorn & Lehmacher
        1995; Westfall & Krishen 2001, J. Stat. Plan. Inference 99, 25).

        Parameters
        ----------
        families
            Names, or names with weights, in order.

        Examples
        --------
        >>> from abtest.stats import gatekeeping
        >>> graph = TestGraph.serial([["signup", "revenue"], ["invites"]])
        >>> gatekeeping([0.01, 0.03, 0.02], graph).adjusted
        (0.02, 0.03, 0.03)
        """
        weighted = [_weights(family) for family in families]
        return cls._gates(weighted, _holm_edges(weighted), _to_next(weighted))

    @classmethod
    def parallel(cls, families: Sequence[Mapping[str, float] | Sequence[str]]) -> TestGraph:
        """Return parallel gatekeeping: each rejection hands its share on to the next family.

        Weighted Bonferroni within every family but the last, which is Holm's (Dmitrienko, Offen
        & Westfall 2003, Stat. Med. 22, 2387; as a graph: Bretz et al. 2009).

        Parameters
        ----------
        families
            Names, or names with weights, in order.

        Examples
        --------
        >>> from abtest.stats import gatekeeping
        >>> graph = TestGraph.parallel([["signup", "revenue"], ["invites", "retention"]])
        >>> gatekeeping([0.01, 0.2, 0.005, 0.04], graph).adjusted
        (0.02, 0.4, 0.02, 0.08)
        """
        weighted = [_weights(family) for family in families]
        return cls._gates(weighted, {**_to_next(weighted), **_holm_edges(weighted[-1:])}, {})

    @classmethod
    def _gates(
        cls, families: Sequence[Mapping[str, float]], passes: Edges, leftovers: Edges
    ) -> TestGraph:
        if not families:
            raise UsageError("Gatekeeping needs families of tests", given="none", todo="Give some.")
        first = families[0]
        names = [name for family in families for name in family]
        weights = [first[name] if place < len(first) else 0.0 for place, name in enumerate(names)]
        return cls(names, weights, passes, leftovers)


def _weights(family: Mapping[str, float] | Sequence[str]) -> dict[str, float]:
    """Return the weights of a family, summing to 1."""
    given = family if isinstance(family, Mapping) else dict.fromkeys(family, 1.0)
    total = sum(given.values())
    if not given or not all(weight > 0.0 for weight in given.values()):
        raise UsageError(
            "A family of gatekeeping needs tests with weights above 0",
            given=str(dict(given)),
            todo="Leave out a test that should get nothing.",
        )
    return {str(name): weight / total for name, weight in given.items()}


def _holm_edges(families: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return edges that hand the weight of a test to the others of its family."""
    edges = {}
    for family in families:
        for name in family:
            others = {to: share for to, share in family.items() if to != name}
            total = sum(others.values())
            edges[name] = {to: share / total for to, share in others.items()}
    return edges


def _to_next(families: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return edges that hand the weight of every test to the next family."""
    return {name: dict(later) for family, later in pairwise(families) for name in family}


def _require_shares(values: Sequence[float], what: str) -> None:
    if not all(0.0 <= value <= 1.0 + _SLACK for value in values) or sum(values) > 1.0 + _SLACK:
        raise UsageError(
            f"Shares in {what} must lie between 0 and 1 and sum to at most 1",
            given=str(list(values)),
            todo="Divide them by their sum.",
        )
