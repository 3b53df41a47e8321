"""Values as TOML text: whatever they hold, they stay on one line and read back the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

# Control characters and marks that reorder text could make a message or a file show
# something else than it says. The joiners that Persian needs are not among them.
_HIDDEN = [*range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = {code: f"\\u{code:04x}" for code in [*_HIDDEN, 0xFEFF]}


def quoted(text: str) -> str:
    r"""Return `text` as a TOML basic string.

    JSON's escapes are TOML's; characters that hide or reorder text are escaped too.

    Examples
    --------
    >>> print(quoted('say "hi"\n'))
    "say \"hi\"\n"
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no UTF-8
    return json.dumps(whole, ensure_ascii=False).translate(_ESCAPES)


def toml_value(value: object) -> str:
    """Return `value` in TOML notation on one line.

    Examples
    --------
    >>> toml_value({"control": 0.5, "a b": [True, "x"]})
    '{ "control" = 0.5, "a b" = [true, "x"] }'
    """
    if isinstance(value, Mapping):
        inside = ", ".join(f"{quoted(str(key))} = {toml_value(v)}" for key, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if value is None or isinstance(value, (int, float)):
        return repr(value)
    return quoted(value if isinstance(value, str) else repr(value))


def shown(value: object, limit: int = 80) -> str:
    """Return `value` as TOML text for a message, cut at `limit` characters."""
    text = toml_value(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
