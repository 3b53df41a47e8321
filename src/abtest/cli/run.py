"""`abtest run`: execute the reports of experiments, in parallel, and say each verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer

from abtest.cli.console import complain, near, say
from abtest.cli.progress import run_display
from abtest.cli.run_files import write_junit, write_summary
from abtest.errors import UsageError
from abtest.experiment.document import Decision
from abtest.experiment.project import experiment_names, find_root
from abtest.report.index import INDEX
from abtest.run.options import RunOptions
from abtest.run.outcome import RunResult, Status
from abtest.run.prepare import reports_folder
from abtest.run.runner import run_experiments

EXAMPLES = """
    abtest run
    abtest run onboarding_checklist --force
    abtest run --jobs 4 --fail-on do_not_ship,invalid --junit abtest.xml
"""

DECISIONS: tuple[str, ...] = get_args(Decision)
WORDS: dict[Status, str] = {
    "done": "ran",
    "reused": "reused",
    "failed": "failed",
    "timeout": "out of time",
    "interrupted": "interrupted",
}
DONE, FAILED, WRONG_USAGE, FAILED_ON, INTERRUPTED = 0, 1, 2, 3, 130


def run(  # noqa: PLR0913, PLR0917  # an argument is an option
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Experiments; left out: all that are not concluded.", metavar="[NAME]..."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also run what is up to date.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Experiments at once; left out: what processors and memory allow."
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Believe data up to this date or time.", metavar="MOMENT")
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder for the reports.", show_default="reports")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds that one notebook may take.")
    ] = RunOptions.notebook_timeout,
    fail_on: Annotated[
        str, typer.Option(help="Verdicts, comma between them, that end with exit code 3.")
    ] = "",
    junit: Annotated[
        Path | None, typer.Option(help="Also write results as JUnit XML.", metavar="FILE")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Also write results as Markdown.", metavar="FILE")
    ] = None,
) -> None:
    """Run experiments: a line with the verdict of each, and reports with an index.

    What is up to date (spec, data, notebook, versions) is reused, and its line says so.

    Exit code 0: every verdict was made, whatever it says. 1: an experiment failed, the others
    are there. 2: none could be read. 3: a verdict of --fail-on occurred. 130: interrupted.
    """
    verdicts = _verdicts(fail_on)
    options = RunOptions(
        force=force, jobs=jobs, as_of=as_of, output_dir=output_dir, notebook_timeout=timeout
    )
    results = run_project(find_root(), names or None, options)
    if junit is not None:
        write_junit(junit, results, verdicts)
    if summary is not None:
        write_summary(summary, results)
    raise typer.Exit(exit_code(results, verdicts))


def run_project(root: Path, names: Sequence[str] | None, options: RunOptions) -> list[RunResult]:
    """Run experiments of the project in `root`, tell how it goes, and return the results.

    Raises
    ------
    UsageError
        The project has no experiment, or the options make no sense.
    """
    asked = experiment_names(root) if names is None else tuple(names)
    if not asked:
        raise UsageError(
            "There is no experiment to run.",
            given=str(root),
            todo="Write one with: abtest new NAME",
            code="no_experiment",
        )
    with run_display(asked) as show:
        results = run_experiments(root, names, options, show)
    if not results:
        complain("All experiments are concluded. To run one, name it: abtest run NAME")
        return results
    say(_closing_line(results))
    say(f"Index: {near(reports_folder(root, options) / INDEX)}")
    return results


def exit_code(results: Sequence[RunResult], fail_on: frozenset[str] = frozenset()) -> int:
    """Return the exit code that tells how a run went."""
    failures = [result.failure for result in results if result.failure is not None]
    if any(failure.code == "interrupted" for failure in failures):
        return INTERRUPTED
    if failures:
        unread = [failure for failure in failures if failure.code == "unreadable_experiment"]
        return WRONG_USAGE if len(unread) == len(results) else FAILED
    return FAILED_ON if any(result.verdict in fail_on for result in results) else DONE


def _verdicts(text: str) -> frozenset[str]:
    """Return the verdicts named in `text`.

    Raises
    ------
    UsageError
        A word is not a verdict.
    """
    words = {word.strip() for word in text.split(",") if word.strip()}
    unknown = sorted(words - set(DECISIONS))
    if unknown:
        raise UsageError(
            "--fail-on names something that is not a verdict.",
            given=", ".join(unknown),
            todo=f"Verdicts are: {', '.join(DECISIONS)}",
            code="unknown_verdict",
        )
    return frozenset(words)


def _closing_line(results: Sequence[RunResult]) -> str:
    statuses = [result.status for result in results]
    counts = {words: statuses.count(status) for status, words in WORDS.items()}
    plural = "" if len(results) == 1 else "s"
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{len(results)} experiment{plural}: {said}"
