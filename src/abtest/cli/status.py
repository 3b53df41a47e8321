"""`abtest status`: which results are up to date, which are not and why."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import say
from abtest.experiment.project import find_root
from abtest.files import canonical_json
from abtest.run.options import RunOptions
from abtest.run.prepare import reports_folder
from abtest.run.standing import Standing, standings
from abtest.show.words import RUNS, verdict_word

EXAMPLES = """
    abtest status
    abtest status --format json
"""


class Format(StrEnum):
    """How it is shown."""

    text = "text"
    json = "json"


def status(
    format: Annotated[Format, typer.Option(help="How it is shown.")] = Format.text,
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder of the reports.", show_default="reports")
    ] = None,
) -> None:
    """Say for every experiment whether its result is up to date, and why not.

    A failed run is told with the last good verdict, which it left in place.
    """
    root = find_root()
    found = standings(root, reports_folder(root, RunOptions(output_dir=output_dir)))
    if format is Format.json:
        say(canonical_json([_as_dict(one) for one in found]).rstrip())
        return
    if not found:
        say("There is no experiment yet. Write one with: abtest new NAME")
        return
    width = max(len(one.name) for one in found)
    for one in found:
        say(_line(one, width))


def _line(one: Standing, width: int) -> str:
    word = RUNS[one.state.freshness]
    verdict = verdict_word(one.state.document["verdict"]).text if one.state.document else "-"
    reason = "" if one.state.freshness == "never" and one.failure is None else one.problem
    concluded = " (concluded)" if _is_concluded(one) else ""
    return f"{one.name:<{width}}  {word!s:<14}{verdict + concluded:<14}  {reason}".rstrip()


def _is_concluded(one: Standing) -> bool:
    return one.spec is not None and one.spec.experiment.status == "concluded"


def _as_dict(one: Standing) -> dict[str, object]:
    document = one.state.document
    return {
        "experiment": one.name,
        "state": one.state.freshness,
        "reason": one.problem,
        "verdict": None if document is None else document["verdict"],
        "headline": None if document is None else document["headline"],
        "as_of": None if document is None else document["as_of"],
        "ended": None if one.state.record is None else one.state.record.ended,
        "concluded": _is_concluded(one),
    }
