"""`abtest metrics`: the metrics that an experiment can use by id."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import say
from abtest.errors import UsageError
from abtest.experiment.known_metrics import KnownMetric, known_metric, known_metrics
from abtest.experiment.project import find_root

EXAMPLES = """
    abtest metrics
    abtest metrics show retained_week_1
    abtest metrics --markdown
"""


def metrics(
    action: Annotated[
        str | None, typer.Argument(help="show, or nothing for the list.", metavar="[show]")
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Id of a metric.", metavar="[ID]")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the catalogue as a page of documentation.")
    ] = False,
) -> None:
    """List the metrics of the project and of the catalogue, or show one whole."""
    if markdown:
        from abtest.experiment.catalogue_page import catalogue_page

        say(catalogue_page().rstrip("\n"))
        return
    if action is None:
        _listed(known_metrics(_root()))
        return
    if action != "show" or name is None:
        raise UsageError(
            "This is no way to ask for metrics.",
            given=" ".join(part for part in ("abtest metrics", action, name) if part),
            todo="Write: abtest metrics, or: abtest metrics show ID",
            code="wrong_arguments",
        )
    say(str(known_metric(name, _root())))


def _listed(known: dict[str, KnownMetric]) -> None:
    """Write one line per metric, by section."""
    width = max(map(len, known))
    kinds = max(len(str(one.entry.keys.get("kind", ""))) for one in known.values())
    section = None
    for name, metric in known.items():
        if metric.entry.section != section:
            section = metric.entry.section
            say(f"\n{section}" if name != next(iter(known)) else section)
        kind = str(metric.entry.keys.get("kind", ""))
        say(f"  {name:<{width}}  {kind:<{kinds}}  {metric.title}")


def _root() -> Path | None:
    try:
        return find_root()
    except UsageError:
        return None
