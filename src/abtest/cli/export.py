"""`abtest export`: the effects of an experiment as a table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import say
from abtest.cli.export_formats import csv_bytes, flat_rows, parquet_bytes, xlsx_bytes
from abtest.cli.last_result import last_verdict
from abtest.errors import AbtestError, UsageError
from abtest.experiment.frames import effect_records
from abtest.files import write_bytes

EXAMPLES = """
    abtest export onboarding_checklist
    abtest export onboarding_checklist --output effects.xlsx
"""


class Format(StrEnum):
    """Kind of file."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"


WRITERS = {Format.csv: csv_bytes, Format.parquet: parquet_bytes, Format.xlsx: xlsx_bytes}


def export(
    name: Annotated[str, typer.Argument(help="Experiment.")],
    format: Annotated[
        Format | None,
        typer.Option(help="Kind of file; left out: what the ending of --output says, else csv."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="File to write; left out: NAME_effects.FORMAT here."),
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder of the reports.", show_default="reports")
    ] = None,
) -> None:
    """Write the effects of the last verdict, a row for each metric, variant and segment.

    In CSV and XLSX, text that a spreadsheet would take for a formula is made harmless.
    """
    kind = format or _by_ending(output)
    document = last_verdict(name, output_dir)
    rows = flat_rows([{"experiment": name, **record} for record in effect_records(document)])
    if not rows:
        raise AbtestError("This verdict has no effects.", given=name, code="no_effects")
    path = output or Path(f"{name}_effects.{kind}")
    try:
        write_bytes(path, WRITERS[kind](rows))
    except OSError as error:
        raise UsageError(
            "The file cannot be written.",
            given=f"{path}: {error.strerror or error}",
            todo="Name another with --output.",
            code="not_writable",
        ) from None
    say(f"{path}: {len(rows)} effect{'' if len(rows) == 1 else 's'}")


def _by_ending(output: Path | None) -> Format:
    if output is None:
        return Format.csv
    try:
        return Format(output.suffix.lower().lstrip("."))
    except ValueError:
        raise UsageError(
            "The ending of the file names no known format.",
            given=str(output),
            todo=f"End it in {', '.join(f'.{kind}' for kind in Format)}, or give --format.",
            code="unknown_format",
        ) from None
