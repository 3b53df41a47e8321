"""`abtest new`: a commented experiment file, from scratch or from a file of data."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import say
from abtest.errors import DataError, UsageError
from abtest.experiment.project import EXPERIMENT_FILE, EXPERIMENTS, find_root
from abtest.experiment.starter import events_file
from abtest.experiment.templates import presets, templated_file, templates
from abtest.experiment.toml_text import shown
from abtest.files import write_text

EXAMPLES = """
    abtest new onboarding_checklist
    abtest new cookie_cats --from data/cookie_cats.csv.gz
    abtest new fewer_steps --template onboarding_steps --preset saas
"""


def new(
    name: Annotated[str, typer.Argument(help="Name: small letters, digits, _ and -.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="File of data, one row per unit: propose from its columns."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="With --from: the column of the variant.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="With --from: the column of the unit.")] = None,
    table: Annotated[
        str | None, typer.Option(help="With --from: the table, for a DuckDB file.")
    ] = None,
    template: Annotated[
        str | None, typer.Option(help=f"What is tried: {', '.join(templates())}.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Metrics of a kind of product: {', '.join(presets())}.")
    ] = None,
) -> None:
    """Write experiments/NAME/experiment.toml, commented and valid, for you to edit."""
    root = find_root()
    path = _free_place(root, name)
    today = datetime.now(UTC).date()
    if source is not None and (template or preset):
        raise UsageError(
            "A template is written over an event log, and --from proposes from a table of units.",
            given=f"--from {source}",
            todo="Leave out --from, or --template and --preset.",
            code="two_sources",
        )
    if source is None:
        _refuse_without_source(variant=variant, unit=unit, table=table)
        text = events_file(name, today)
        if template or preset:
            text = templated_file(name, today, template, preset)
    else:
        text = _proposed(name, source, root, table, variant, unit)
    write_text(path, text)
    say(f"wrote   {path.relative_to(root).as_posix()}")
    mark = re.compile(r'TODO:|"TODO')
    lines = [number for number, line in enumerate(text.splitlines(), 1) if mark.search(line)]
    say(f"yours to decide: lines {', '.join(map(str, lines))}, marked TODO")
    say(f"\nNext: edit it, then abtest check {name}")


def _proposed(
    name: str, source: Path, root: Path, table: str | None, variant: str | None, unit: str | None
) -> str:
    """Return a file proposed from the columns of `source`; to name none is wrong usage."""
    from abtest.experiment.propose import Wishes, propose

    try:
        return propose(name, source, root, Wishes(table, variant, unit))
    except DataError as error:
        if error.code != "file_missing":
            raise
        raise UsageError(error.what, given=error.given, todo=error.todo, code=error.code) from None


def _free_place(root: Path, name: str) -> Path:
    if not re.fullmatch(r"[a-z0-9_-]{1,100}", name):
        raise UsageError(
            "This cannot be the name of an experiment.",
            given=shown(name),
            todo="Use small letters a-z, digits, underscores and hyphens, at most 100.",
            code="bad_name",
        )
    path = root / EXPERIMENTS / name / EXPERIMENT_FILE
    if path.exists():
        raise UsageError(
            "There is an experiment of this name already.",
            given=path.relative_to(root).as_posix(),
            todo="Choose another name, or remove the file yourself.",
            code="exists",
        )
    return path


def _refuse_without_source(**columns: str | None) -> None:
    given = [f"--{name}" for name, column in columns.items() if column is not None]
    if given:
        raise UsageError(
            "A table or column is named, but no file it would be in.",
            given=", ".join(given),
            todo="Add --from FILE.",
            code="no_file",
        )
