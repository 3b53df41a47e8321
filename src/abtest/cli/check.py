"""`abtest check`: are the experiment files, and the data they name, as they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import complain, say
from abtest.errors import AbtestError, Problem, SpecError, UsageError
from abtest.experiment.project import experiment_names, find_root
from abtest.experiment.resolve import SHARED_FILES, Resolved, check_definitions, resolve

EXAMPLES = """
    abtest check
    abtest check onboarding_checklist --data
"""


Shared = dict[Problem, list[str]]
"""Problems in files that experiments share, with the experiments that each concerns."""
MOST_NAMES = 5
"""Experiments that are named; of more, the number is told."""


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
    shared: Shared = {}
    outcomes = [_check_one(name, width, shared, data=data) for name in dict.fromkeys(asked)]
    if not names:
        _add_definitions(find_root(), shared)
    _tell_shared(shared, width)
    if not any(outcome.read for outcome in outcomes):
        raise typer.Exit(2)
    if shared or not all(outcome.good for outcome in outcomes):
        raise typer.Exit(1)


def _add_definitions(root: Path, shared: Shared) -> None:
    """Add what is wrong with definitions of metrics, those that no experiment uses included."""
    try:
        problems = check_definitions(root)
    except SpecError as error:
        problems = error.problems
    for problem in problems:
        shared.setdefault(problem, [])


def _tell_shared(shared: Shared, width: int) -> None:
    """Tell the mistakes in files that experiments share: each once, with whom it concerns."""
    for file in SHARED_FILES:
        found = {problem: names for problem, names in shared.items() if problem.file == file}
        if found:
            _line("wrong", Path(file).name, width, _count(len(found), "problem"))
        for problem, names in found.items():
            shown = ", ".join(names[:MOST_NAMES]) or "no experiment yet"
            more = len(names) - MOST_NAMES
            complain(f"{problem}\n  concerns: {shown}{f' and {more} more' if more > 0 else ''}")


def _check_one(name: str, width: int, shared: Shared, *, data: bool) -> _Outcome:
    try:
        resolved = resolve(name)
    except SpecError as error:
        own = [problem for problem in error.problems if problem.file not in SHARED_FILES]
        counts = Counter(Path(p.file).name for p in error.problems if p.file in SHARED_FILES)
        notes = [_count(len(own), "problem")] if own else []
        notes += [f"{_count(number, 'problem')} in {file}" for file, number in counts.items()]
        _line("wrong", name, width, ", ".join(notes))
        for mistake in own:
            complain(str(mistake))
        for mistake in error.problems:
            if mistake.file in SHARED_FILES:
                shared.setdefault(mistake, []).append(name)
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
