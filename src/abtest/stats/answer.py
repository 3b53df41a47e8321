"""What every answer can do: give its fields to machines, and show itself to readers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


class Plain:
    """A dataclass that gives its fields as strict JSON."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values: lists and dictionaries, None for no number."""
        return _fields(self)


class Answer(Plain):
    """A result that shows itself in notebooks as a sentence and a table.

    A class that is one says how in ``_fragment``.
    """

    def _fragment(self) -> Fragment:
        """Return the answer as HTML, Markdown and text."""
        raise NotImplementedError

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return every form of the answer by MIME type."""
        return self._fragment()._repr_mimebundle_(include, exclude)


def plain(value: Any) -> Any:
    """Return what strict JSON holds of a value: numbers that are not finite are null.

    Examples
    --------
    >>> plain({"limits": (1.5, float("inf")), "units": np.array([3, 4])})
    {'limits': [1.5, None], 'units': [3, 4]}
    """
    if isinstance(value, Plain):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _fields(value) if is_dataclass(value) else value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
