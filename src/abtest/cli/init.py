"""`abtest init`: a project with an example that runs, anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import say
from abtest.errors import UsageError
from abtest.experiment.starter import GITIGNORE, project_files
from abtest.files import write_bytes

EXAMPLES = """
    abtest init
    abtest init my-experiments
"""


def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the project; made if absent.", metavar="[DIR]")
    ] = Path(),
) -> None:
    """Start a project: experiments, notebooks, reports and an example that runs.

    Files that are already there are kept as they are.
    """
    try:
        written, kept = _write(folder)
    except OSError as error:
        raise UsageError(
            "The project cannot be written here.",
            given=f"{folder}: {error.strerror}",
            todo="Name a folder that you may write to.",
            code="not_writable",
        ) from None
    for path in written:
        say(f"wrote   {path}")
    for path in kept:
        say(f"kept    {path}")
    say()
    where = "" if folder == Path() else f"cd {folder} && "
    say(f"Next: {where}abtest check && abtest run example")


def _write(folder: Path) -> tuple[list[str], list[str]]:
    written: list[str] = []
    kept: list[str] = []
    for name, content in project_files():
        path = folder / name
        if path.exists():
            kept.append(name)
        else:
            write_bytes(path, content)
            written.append(name)
    (written if _ignore_outputs(folder / ".gitignore") else kept).append(".gitignore")
    return written, kept


def _ignore_outputs(path: Path) -> bool:
    """Add the lines that are missing; return whether there were any."""
    content = path.read_bytes() if path.exists() else b""
    lines = content.splitlines()
    missing = [line for line in map(str.encode, GITIGNORE) if line not in lines]
    if missing:
        before = [content.removesuffix(b"\n")] if content else []
        write_bytes(path, b"\n".join([*before, *missing, b""]))
    return bool(missing)
