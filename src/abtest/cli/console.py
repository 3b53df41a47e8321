"""What the command line prints: plain text, nothing of which a terminal takes for a command."""

from __future__ import annotations

import sys
from pathlib import Path

# Names and values from files could carry escape sequences or marks that reorder a line.
_SILENT = [*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F)]
_VISIBLE = {code: f"\\x{code:02x}" for code in [*_SILENT, *range(0x2066, 0x206A)]}


def visible(text: str) -> str:
    r"""Return `text` with control characters, except tabs and line ends, made visible.

    Examples
    --------
    >>> print(visible("\x1b[2J gone"))
    \x1b[2J gone
    """
    return text.translate(_VISIBLE)


def say(text: str = "") -> None:
    """Print a result to standard output."""
    print(visible(text), flush=True)


def complain(text: str) -> None:
    """Print an error or a warning to standard error."""
    print(visible(text), file=sys.stderr, flush=True)


def near(path: Path) -> str:
    """Return `path` relative to the working folder where it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def use_lenient_streams() -> None:
    """Let streams of a narrow encoding escape what they cannot show instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
