"""Projects: a folder that holds `experiments/`, and the experiments in it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from abtest.errors import UsageError
from abtest.experiment.toml_text import shown

EXPERIMENTS = "experiments"
EXPERIMENT_FILE = "experiment.toml"


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder, from `start` (the working folder) upwards, with `experiments/`.

    Raises
    ------
    UsageError
        There is none.
    """
    origin = (start or Path.cwd()).resolve()
    for folder in (origin, *origin.parents):
        if (folder / EXPERIMENTS).is_dir():
            return folder
    raise UsageError(
        "This is not an abtest project: no folder from here upwards has experiments/.",
        given=str(origin),
        todo="Start one with: abtest init",
        code="no_project",
    )


def experiment_names(root: Path) -> tuple[str, ...]:
    """Return the names of the folders in `root/experiments` with an experiment file, sorted."""
    folder = root / EXPERIMENTS
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.parent.name for entry in folder.glob(f"*/{EXPERIMENT_FILE}")))


def experiment_file(root: Path, name: str) -> Path:
    """Return the file of the experiment called `name`.

    Raises
    ------
    UsageError
        There is no such experiment; the message names the nearest ones.
    """
    names = experiment_names(root)
    if name in names:
        return root / EXPERIMENTS / name / EXPERIMENT_FILE
    near = nearest(name, names)
    if near:
        todo = f"Did you mean {near}? To write a new one: abtest new NAME"
    elif names:
        todo = f"Experiments here: {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}"
    else:
        todo = "There is no experiment yet. Write one with: abtest new NAME"
    raise UsageError(
        "There is no experiment of this name.", given=shown(name), todo=todo, code="no_experiment"
    )


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return the known words that resemble `word`, joined by "or"; "" if none does.

    Examples
    --------
    >>> nearest("nps_score", ("unsubscribe", "nps", "csat_mean"))
    '"nps"'
    """
    low = word.lower()
    close = get_close_matches(low, known, n=3, cutoff=0.6)
    begin = [name for name in known if low.startswith(f"{name}_") or name.startswith(f"{low}_")]
    best = begin if begin and low not in close[:1] else close
    return " or ".join(f'"{name}"' for name in best[:3])
