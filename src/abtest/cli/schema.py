"""`abtest schema`: the JSON Schema of an experiment file or of a verdict."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from abtest.experiment.schema import experiment_schema, verdict_schema

EXAMPLES = """
    abtest schema experiment > experiment.schema.json
    abtest schema verdict
"""


class Format(StrEnum):
    """What a schema describes."""

    experiment = "experiment"
    verdict = "verdict"


def schema(
    of: Annotated[Format, typer.Argument(help="experiment (TOML) or verdict (JSON).")],
) -> None:
    """Print a JSON Schema, from which editors complete and check a file."""
    document = experiment_schema() if of is Format.experiment else verdict_schema()
    print(json.dumps(document, ensure_ascii=False, indent=2))
