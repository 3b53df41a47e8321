"""`abtest explain`: what a key of an experiment file means."""

from __future__ import annotations

from typing import Annotated

import typer

from abtest.cli.console import say
from abtest.experiment.explain import explain as look_up
from abtest.experiment.explain import explanations

EXAMPLES = """
    abtest explain
    abtest explain analysis.alpha
    abtest explain data.exposures.first_event
"""


def explain(
    key: Annotated[
        str | None, typer.Argument(help="Key path such as metrics.margin; left out: all keys.")
    ] = None,
) -> None:
    """Say what a key of an experiment file means, its type, default and limits."""
    if key is not None:
        say(str(look_up(key)))
        return
    known = explanations()
    width = max(map(len, known))
    for name, entry in known.items():
        say(f"{name:<{width}}  {entry.meaning}")
