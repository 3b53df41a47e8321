"""Runs cells in parallel and keeps what is done, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from pathlib import Path

from rich.progress import Progress, TimeElapsedColumn

import abtest
from abtest.files import write_text
from calibration.cell import Cell, Observed, as_dict

SEED = 2026
WRITING = ("__main__.py", "page.py", "reasons.py")
STORE = Path(__file__).resolve().parents[1] / ".calibration"


def code_digest() -> str:
    """Return a digest of the statistics and of these simulations: what is kept is of one code.

    How results are written down may change without drawing them again.
    """
    digest = hashlib.sha256()
    stats = Path(abtest.__file__).parent / "stats"
    for folder in (stats, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            if path.name in WRITING:
                continue
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def grid(families: Sequence[str]) -> list[Cell]:
    """Return the cells of the modules named, each of which has a function `cells`."""
    return [cell for name in families for cell in import_module(f"calibration.{name}").cells()]


def run_cells(
    families: Sequence[str],
    cells: Sequence[Cell],
    *,
    seed: int,
    runs: int | None,
    jobs: int,
    store: Path | None,
) -> dict[str, list[Observed]]:
    """Return what was observed in every cell; cells that `store` has already are not drawn again.

    Parameters
    ----------
    families
        Modules that the cells are from: worker processes make the cells themselves.
    cells
        Those that are wanted.
    seed
        Common part of every cell's seed.
    runs
        Draws per cell; None for the cell's own number.
    jobs
        Processes.
    store
        Folder of finished cells; None keeps none.
    """
    folder = None if store is None else store / f"{code_digest()}-{seed}-{runs}"
    found = {} if folder is None else _kept(folder)
    missing = [cell for cell in cells if cell.key not in found]
    # the longest first, so that no process is alone at the end
    missing.sort(key=lambda cell: -sum(cell.sizes) * cell.runs)
    with (
        ProcessPoolExecutor(jobs, initializer=_prepare, initargs=(tuple(families),)) as pool,
        Progress(*Progress.get_default_columns(), TimeElapsedColumn()) as progress,
    ):
        bar = progress.add_task("cells", total=len(cells), completed=len(cells) - len(missing))
        futures = {pool.submit(_run, cell.key, seed, runs): cell for cell in missing}
        for future in as_completed(futures):
            cell = futures[future]
            found[cell.key] = future.result()
            if folder is not None:
                _keep(folder, cell.key, found[cell.key])
            progress.advance(bar)
    return {cell.key: found[cell.key] for cell in cells}


_CELLS: dict[str, Cell] = {}
"""The cells of a worker process: they hold functions, which cannot be sent to it."""


def _prepare(families: Sequence[str]) -> None:
    _CELLS.update({cell.key: cell for cell in grid(families)})


def _run(key: str, seed: int, runs: int | None) -> list[Observed]:
    cell = _CELLS[key]
    return cell.run(seed, cell.runs if runs is None else min(runs, cell.runs))


def _path(folder: Path, key: str) -> Path:
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _keep(folder: Path, key: str, observed: Sequence[Observed]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_text(_path(folder, key), json.dumps({"key": key, "observed": as_dict(observed)}))


def _kept(folder: Path) -> dict[str, list[Observed]]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        found[entry["key"]] = read(entry["observed"])
    return found


def read(rows: Iterable[dict[str, object]]) -> list[Observed]:
    """Return observations from plain values."""
    return [Observed(**row) for row in rows]  # type: ignore[arg-type]  # written by as_dict
