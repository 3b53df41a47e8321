"""Which arm a figure shows beside control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abtest.data.source import nearest_of
from abtest.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def chosen_arm(differences: pd.DataFrame, arm: str | None) -> str:
    """Return the treatment that was named, or the first.

    Raises
    ------
    UsageError
        ``unknown_arm``.
    """
    names = [str(name) for name in dict.fromkeys(differences["arm"])]
    if arm is None:
        return names[0]
    if arm not in names:
        raise UsageError(
            "There is no such treatment",
            given=f"arm={arm!r}",
            todo=nearest_of(arm, names, "treatments"),
            code="unknown_arm",
        )
    return arm


def chosen_cohort(table: pd.DataFrame, cohort: str | None) -> str:
    """Return the cohort of a table that was named, or the first, which of arms is control.

    Raises
    ------
    UsageError
        ``unknown_arm``.
    """
    names = [str(name) for name in dict.fromkeys(table["cohort"])]
    if cohort is not None and cohort not in names:
        raise UsageError(
            "There is no such arm",
            given=f"arm={cohort!r}",
            todo=nearest_of(cohort, names, "arms"),
            code="unknown_arm",
        )
    return cohort or names[0]
