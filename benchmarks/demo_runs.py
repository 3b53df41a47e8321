"""Whole runs of the demo's experiments: one in a warm worker, and all six in parallel."""

import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import abtest
from abtest.experiment.project import experiment_names
from abtest.run import Event, RunOptions, run_experiments
from abtest.simulate import DEMO_SEED, demo_worlds, simulate, write_duckdb
from benchmarks.timing import Measured, command, medians, together

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
SECONDS = 1.5


@contextmanager
def demo() -> Iterator[Path]:
    """Yield a project with the demo's experiments, notebooks and data, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for part in ("experiments", "notebooks"):
            shutil.copytree(ROOT / part, project / part)
        worlds = demo_worlds()
        simulated = {name: simulate(world, DEMO_SEED) for name, world in worlds.items()}
        write_duckdb(project / "data" / "demo.duckdb", simulated)
        yield project


def warm_seconds(project: Path) -> float:
    """Return the median seconds from one finished experiment to the next, in one worker."""
    ends: list[float] = []

    def note(event: Event) -> None:
        if event.kind == "failed":
            raise SystemExit(f"{event.experiment} failed: {event.result}")
        if event.kind == "done":
            ends.append(time.perf_counter())

    run_experiments(project, options=RunOptions(force=True, jobs=1), on_event=note)
    return statistics.median(b - a for a, b in itertools.pairwise(ends))


def analysis_seconds(project: Path) -> float:
    """Return the median seconds of the analyses alone, with the libraries loaded."""

    def analyze(name: str) -> float:
        start = time.perf_counter()
        _ = abtest.load(name, root=project).analyze().document
        return time.perf_counter() - start

    names = experiment_names(project)
    analyze(names[0])
    return statistics.median(analyze(name) for name in names)


def in_parallel(project: Path) -> tuple[float, float]:
    """Return the seconds of all by `abtest run`, and by one papermill command for each."""
    notebook, output = project / "notebooks" / "verdict.ipynb", project / "by_papermill"
    output.mkdir()
    papermill = [
        (PROGRAMS / "papermill", notebook, output / f"{name}.ipynb", "-p", "experiment", name)
        for name in experiment_names(project)
    ]
    ours, theirs = medians(
        command(PROGRAMS / "abtest", "run", "--force", cwd=project),
        together(papermill, cwd=project),
        repeats=5,
    )
    return ours, theirs


def measure() -> list[Measured]:
    """Return the time of one warm run, and the ratio of six to papermill's own command."""
    with demo() as project:
        warm = statistics.median(warm_seconds(project) for _ in range(3))
        analysis = analysis_seconds(project)
        ours, theirs = in_parallel(project)
    return [
        Measured(
            "one experiment end to end in a warm worker, without its analysis",
            f"{warm - analysis:.2f} s (analysis {analysis:.2f} s)",
            f"at most {SECONDS} s",
            warm - analysis <= SECONDS,
        ),
        Measured(
            "`abtest run` of six experiments, pages included, over papermill's own command six"
            " times in parallel, without pages",
            f"{ours / theirs:.2f} x ({ours:.1f} s, papermill {theirs:.1f} s)",
            "below 1 x",
            ours < theirs,
        ),
    ]
