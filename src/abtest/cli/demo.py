"""`abtest demo`: six experiments with simulated data, run and reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from abtest.cli.console import complain, say
from abtest.cli.run import exit_code, run_project
from abtest.errors import UsageError
from abtest.experiment.definitions import METRICS_FILE
from abtest.experiment.project import EXPERIMENT_FILE
from abtest.experiment.resolve import DEFAULTS_FILE
from abtest.experiment.starter import shipped
from abtest.files import write_bytes
from abtest.run.options import RunOptions
from abtest.simulate import DEMO_SEED, DEMO_USERS, demo_worlds, simulate, write_duckdb

EXAMPLES = """
    abtest demo
    abtest demo somewhere/else --jobs 2
    abtest demo --users 5000 --seed 1
"""

DATA_FILE = Path("data", "demo.duckdb")
FEWEST_USERS = 100


def demo(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the demo project; made if absent.", metavar="[DIR]")
    ] = Path("abtest-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated data.")] = DEMO_SEED,
    users: Annotated[
        int, typer.Option(min=FEWEST_USERS, help="Simulated users of each experiment.")
    ] = DEMO_USERS,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Experiments that run at the same time.")
    ] = None,
) -> None:
    """Show what abtest does: simulate the data of six experiments, run all, make the reports.

    DIR becomes a project like any other, with experiments, notebooks, data and reports. Files
    in it that differ from the demo's are kept as they are, and it says so; the simulated data
    are made anew.
    """
    try:
        place_project(folder)
        simulate_into(folder / DATA_FILE, users=users, seed=seed)
    except OSError as error:
        raise UsageError(
            "The demo cannot be written here.",
            given=f"{folder}: {error.strerror}",
            todo="Name a folder that you may write to.",
            code="not_writable",
        ) from None
    results = run_project(folder.absolute(), tuple(demo_worlds()), RunOptions(jobs=jobs))
    raise typer.Exit(exit_code(results))


def place_project(root: Path) -> None:
    """Put the demo's experiments and notebooks into `root`; what was edited there stays."""
    for name, content in demo_files():
        path = root / name
        if not path.exists():
            write_bytes(path, content)
        elif path.read_bytes() != content:
            complain(f"kept    {name}, which differs from the demo's")


def demo_files() -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of every file of the demo, except its data.

    Raises
    ------
    UsageError
        This installation of abtest does not carry them.
    """
    experiments, notebooks = shipped("experiments"), shipped("notebooks")
    if experiments is None:
        raise UsageError(
            "This installation of abtest has no demo experiments.",
            todo="Install abtest again, from its wheel or in a checkout.",
            code="nothing_shipped",
        )
    own = (f"{name}/{EXPERIMENT_FILE}" for name in demo_worlds())
    for name in (DEFAULTS_FILE, METRICS_FILE, *own):
        yield f"experiments/{name}", (experiments / name).read_bytes()
    for notebook in sorted(notebooks.glob("*.ipynb")) if notebooks is not None else ():
        yield f"notebooks/{notebook.name}", notebook.read_bytes()


def simulate_into(path: Path, *, users: int, seed: int) -> None:
    """Simulate the worlds of all experiments into one DuckDB file, saying how far it is."""
    worlds = demo_worlds(users)
    simulated = {}
    for number, (name, world) in enumerate(worlds.items(), start=1):
        say(f"simulating {number} of {len(worlds)}: {name}, {users:,} users")
        simulated[name] = simulate(world, seed)
    say(f"writing {path}")
    write_duckdb(path, simulated)
