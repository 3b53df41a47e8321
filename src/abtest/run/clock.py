"""The clock of deadlines."""

from __future__ import annotations

import time


def clock() -> float:
    """Return seconds that never run backwards and that all processes of a machine share."""
    return time.monotonic()
