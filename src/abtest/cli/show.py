"""`abtest show`: the last verdict of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from abtest.cli.console import say
from abtest.cli.last_result import last_verdict
from abtest.errors import AbtestError
from abtest.experiment.notes import MetricNote, notes
from abtest.experiment.resolve import resolve
from abtest.files import canonical_json
from abtest.show import Page

EXAMPLES = """
    abtest show onboarding_checklist
    abtest show onboarding_checklist --format markdown
"""


class Format(StrEnum):
    """How it is shown."""

    text = "text"
    json = "json"
    markdown = "markdown"


def show(
    name: Annotated[str, typer.Argument(help="Experiment.")],
    format: Annotated[Format, typer.Option(help="How it is shown.")] = Format.text,
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder of the reports.", show_default="reports")
    ] = None,
) -> None:
    """Show the last verdict of an experiment: result, reasons, effects, checks.

    Exit code 1: it has none yet.
    """
    document = last_verdict(name, output_dir)
    if format is Format.json:
        say(canonical_json(document).rstrip())
        return
    summary = Page(document, _notes(name, document)).summary()
    say(summary.markdown if format is Format.markdown else summary.text)


def _notes(name: str, document: Mapping[str, Any]) -> tuple[MetricNote, ...]:
    """Return the metrics' names for readers, if the file is still the one that was judged."""
    try:
        resolved = resolve(name)
    except AbtestError:
        return ()
    judged = document["provenance"]["spec_sha256"] == resolved.sha256
    return notes(resolved.spec) if judged else ()
