"""The one start-up guard of processes that touch notebooks."""

from __future__ import annotations

import sys


def skip_iri_grammar() -> None:
    """Keep jsonschema from building a grammar that no notebook schema uses.

    nbformat imports jsonschema, which imports `rfc3987_syntax` inside
    ``suppress(ImportError)`` and with it compiles a Lark grammar for the formats
    ``iri`` and ``iri-reference`` only: 0.7 s in every process. No schema of nbformat or
    jupyter_* uses those formats. None in `sys.modules` makes that import fail quietly.
    To be called by our own processes at their entry, never when abtest is imported as a
    library: another program may want the grammar.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is documented
