"""Key paths: where a value stands in a document."""

from __future__ import annotations

import re

from abtest.experiment.toml_text import quoted

KeyPath = tuple[str | int, ...]
"""Names of tables and keys, with 0-based numbers for the entries of lists."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: KeyPath) -> str:
    """Return the path as people write it.

    Examples
    --------
    >>> dotted(("metrics", 1, "margin"))
    'metrics[1].margin'
    >>> dotted(("variants", "allocation", "No E-Mail"))
    'variants.allocation."No E-Mail"'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE.fullmatch(part) else quoted(part)
            text += f".{name}" if text else name
    return text
