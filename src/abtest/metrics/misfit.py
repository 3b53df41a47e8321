"""A key of a metric that does not fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Misfit:
    """A key of a metric that does not fit the shape of the data, or the other keys."""

    key: str
    what: str
    todo: str
