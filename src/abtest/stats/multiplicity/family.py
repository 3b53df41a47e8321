"""The tests that are judged together: names, p-values and weights, checked at the door."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from abtest.errors import UsageError
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats

Member = TypeVar("Member")


def named(members: Mapping[str, Member] | Sequence[Member], what: str) -> dict[str, Member]:
    """Return the members of a family by name; those of a sequence are called 1, 2 and so on.

    Raises
    ------
    UsageError
        If there are none.
    """
    if isinstance(members, Mapping):
        family = {str(name): member for name, member in members.items()}
    else:
        family = {str(place): member for place, member in enumerate(members, start=1)}
    if not family or len(family) != len(members):
        raise UsageError(
            f"A family needs {what} of different names",
            given="none" if not family else f"names {list(members)}",
            todo=f"Give every one of the {what} that were planned, each under its own name.",
        )
    return family


def p_value_family(
    p_values: Mapping[str, float] | Values, names: Sequence[str] | None
) -> tuple[tuple[str, ...], Floats]:
    """Return names and p-values of a family.

    Raises
    ------
    UsageError
        If there are none, one is missing, no number or outside [0, 1], or names do not fit.
    """
    if isinstance(p_values, Mapping):
        if names is not None:
            raise UsageError(
                "The p-values have names already",
                given=f"a mapping and names {list(names)}",
                todo="Leave names out, or give the p-values as a list.",
            )
        members = named(p_values, "p-values")
        labels, column = tuple(members), list(members.values())
        if any(isinstance(value, bool | np.bool_) for value in column):
            raise _not_probabilities(column)
        values = as_floats(column, "p_values")
    else:
        values = _column(p_values)
        labels = tuple(map(str, range(1, len(values) + 1) if names is None else names))
    if len(labels) != len(values) or len(set(labels)) != len(labels) or not labels:
        raise UsageError(
            "A family needs one name per p-value, each of them different",
            given=f"{len(values)} p-values, names {list(labels)}",
            todo="Give every test that was planned, each under its own name.",
        )
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise _not_probabilities(values.tolist())
    return labels, values


def weights_of(
    weights: Mapping[str, float] | Sequence[float] | None, names: Sequence[str]
) -> Floats:
    """Return weights that sum to 1, in the order of the names; equal ones for None.

    Raises
    ------
    UsageError
        If they do not fit the names, or one is not a number above 0.
    """
    if weights is None:
        return np.full(len(names), 1.0 / len(names))
    if isinstance(weights, Mapping):
        if set(weights) != set(names):
            raise _unfit_weights(list(weights), names)
        weights = [weights[name] for name in names]
    values = as_floats(weights, "weights")
    if len(values) != len(names):
        raise _unfit_weights(values.tolist(), names)
    largest = float(values.max(initial=0.0))
    # below 1e-300 of the largest a share of alpha is 0
    if not ((values > 1e-300 * largest) & np.isfinite(values)).all():
        raise UsageError(
            "Weights of tests must be positive numbers",
            given=str(values.tolist()),
            todo="Leave out a test that should get nothing.",
        )
    scaled = values / largest  # a sum of weights near 1e308 must not overflow
    return np.asarray(scaled / math.fsum(scaled))


def _column(p_values: Any) -> Floats:
    """Return p-values as floats; truth values are none."""
    raw = p_values.to_numpy() if hasattr(p_values, "to_numpy") else p_values
    if getattr(raw, "dtype", None) == np.bool_ or (
        isinstance(raw, list | tuple) and any(isinstance(p, bool | np.bool_) for p in raw)
    ):
        raise _not_probabilities(list(raw))
    return as_floats(p_values, "p_values")


def _not_probabilities(values: Sequence[object]) -> UsageError:
    return UsageError(
        "Every p-value of a family must be a number from 0 to 1",
        given=str(list(values)),
        todo="A planned test without a p-value keeps its place as 1.0: leaving it out would make "
        "the others too easy.",
    )


def _unfit_weights(given: Sequence[object], names: Sequence[str]) -> UsageError:
    return UsageError(
        "Weights do not fit the family",
        given=f"weights {list(given)} for {list(names)}",
        todo="Give one weight per test.",
    )
