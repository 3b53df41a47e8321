"""What a run shows: a moving line while it goes on, a line for each experiment that ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from abtest.cli.console import complain, near, say
from abtest.show.escape import line
from abtest.show.words import verdict_word

if TYPE_CHECKING:
    from abtest.run import Event, Failure, RunResult


@contextmanager
def run_display(names: Sequence[str]) -> Iterator[Callable[[Event], None]]:
    """Hand out the function that shows the events of a run of `names`.

    Results go to standard output, a line each. On a terminal, standard error has a bar per
    running experiment, which is gone when the run has ended.
    """
    width = max(map(len, names), default=0)
    told: dict[Failure, str] = {}
    if not sys.stderr.isatty():
        yield lambda event: _tell(event, width, told)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (TextColumn("{task.fields[name]}", markup=False), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    # Results that go into a file or pipe must not be drawn into by the bars, and go there.
    with Progress(
        *columns,
        TextColumn("cells"),
        Elapsed(),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as bars:
        tasks = {name: bars.add_task("", name=name, visible=False, total=None) for name in names}

        def show(event: Event) -> None:
            task = tasks.get(event.experiment)
            if event.result is not None:
                _tell(event, width, told)
            if task is not None:
                running = event.result is None and event.kind != "queued"
                total = event.cells or None
                # Drawn at once: a busy machine may leave the drawing thread no time before the end.
                bars.update(task, visible=running, completed=event.cell, total=total, refresh=True)

        yield show


def _tell(event: Event, width: int, told: dict[Failure, str]) -> None:
    """Tell a result; a failure that another experiment has had is told once, for the first."""
    if event.result is not None:
        say(result_line(event.result, width))
        if event.result.failure is not None:
            first = told.setdefault(event.result.failure, event.experiment)
            again = f"{event.result.failure.what}, as told for {first}"
            words = event.result.failure if first == event.experiment else again
            complain(f"{event.experiment}: {words}")
        if event.result.failed_page is not None:
            complain(f"  page:  {near(event.result.failed_page)}")


def result_line(result: RunResult, width: int) -> str:
    """Return the line of one experiment: name, verdict, headline."""
    name = result.experiment.ljust(width)
    if result.failure is not None:
        return f"{name}  {verdict_word(None)}: {line(result.failure.what)}"
    reused = f" ({result.reason})" if result.status == "reused" else ""
    return f"{name}  {verdict_word(result.verdict)!s:<14}  {line(result.headline)}{reused}"
