"""`abtest check`: are the experiment files, and the data they name, as they should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import complain, say
from abtest.errors import AbtestError, SpecError, UsageError
from abtest.experiment.definitions import METRICS_FILE
from abtest.experiment.project import experiment_names, find_root
from abtest.experiment.resolve import Resolved, check_definitions, resolve

EXAMPLES = """
    abtest check
    abtest check onboarding_checklist --data
"""


@dataclass(frozen=True)
class _Outcome:
    """What came of one file: read or not, and whether it is in order."""

    read: bool
    good: bool


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Experiments, by name or path; left out: all.", metavar="[NAME]..."),
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Also read the data they name.")] = False,
) -> None:
    """Validate experiment files: one line each, and every problem with file and line.

    Exit code 0: all are in order. 1: a file or, with --data, its data are not. 2: none could
    be read.
    """
    asked: Sequence[str] = names or experiment_names(find_root())
    if not asked:
        raise UsageError(
            "There is no experiment to check.",
            given=str(find_root()),
            todo="Write one with: abtest new NAME",
            code="no_experiment",
        )
    width = max(len(name) for name in asked)
    outcomes = [_check_one(name, width, data=data) for name in dict.fromkeys(asked)]
    if not any(outcome.read for outcome in outcomes):
        raise typer.Exit(2)
    library_is_good = bool(names) or _check_library(find_root(), width)
    if not library_is_good or not all(outcome.good for outcome in outcomes):
        raise typer.Exit(1)


def _check_library(root: Path, width: int) -> bool:
    """Return whether the definitions of metrics are in order, those that none uses included."""
    try:
        problems = check_definitions(root)
    except SpecError:
        return False  # every experiment has said so
    for problem in problems:
        complain(str(problem))
    if problems:
        _line("wrong", METRICS_FILE, width, _count(len(problems), "problem"))
    return not problems


def _check_one(name: str, width: int, *, data: bool) -> _Outcome:
    try:
        resolved = resolve(name)
    except SpecError as error:
        _line("wrong", name, width, _count(len(error.problems), "problem"))
        complain(str(error))
        return _Outcome(read=error.code != "unreadable_spec", good=False)
    except UsageError as error:
        _line("unknown", name, width, "")
        complain(str(error))
        return _Outcome(read=False, good=False)
    notes = [_count(len(resolved.spec.metrics), "metric")]
    if resolved.warnings:
        notes.append(_count(len(resolved.warnings), "warning"))
    problems, remarks = _check_data(resolved, notes) if data else ((), ())
    _line("wrong" if problems else "ok", name, width, ", ".join(notes))
    for warning in resolved.warnings:
        complain(f"warning: {warning}")
    for remark in remarks:
        complain(f"note: {name}: {remark}")
    for problem in problems:
        complain(f"{name}: {problem}")
    return _Outcome(read=True, good=not problems)


def _line(state: str, name: str, width: int, note: str) -> None:
    say(f"{state:<8}{name:<{width}}  {note}".rstrip())


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _check_data(
    resolved: Resolved, notes: list[str]
) -> tuple[tuple[AbtestError, ...], tuple[str, ...]]:
    """Read the data; add counts to `notes` and return problems and remarks."""
    from abtest.experiment.data_check import check_data

    found = check_data(resolved)
    if found.units:
        counts = (f"{variant} {count:,}" for variant, count in found.units.items())
        notes.append(f"units: {', '.join(counts)}")
    return found.problems, found.remarks
