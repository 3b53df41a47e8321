"""Connections, files, canonical tables and aggregation: rows in, moments out.

`measure` is the entrance. What needs the database engine is imported when first asked for,
so that settings and requests can be used without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abtest.data.contents import fingerprint
    from abtest.data.measurement import measure
    from abtest.data.schema import Column, ColumnPreview, Preview, columns, preview, problems

__all__ = [
    "Column",
    "ColumnPreview",
    "Preview",
    "columns",
    "fingerprint",
    "measure",
    "preview",
    "problems",
]

_HOME = {
    "fingerprint": "contents",
    "measure": "measurement",
    "Column": "schema",
    "ColumnPreview": "schema",
    "Preview": "schema",
    "columns": "schema",
    "preview": "schema",
    "problems": "schema",
}


def __getattr__(name: str) -> object:
    """Return a public name, importing its module when it is first asked for."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
