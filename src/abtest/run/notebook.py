"""The notebook of an experiment: which one, what its cells say, whether it can be run."""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import abtest
from abtest.errors import UsageError
from abtest.run.task import PARAMETERS_TAG

PARAMETERS = frozenset({"experiment", "run"})
TEMPLATE = "verdict.ipynb"


@dataclass(frozen=True)
class Notebook:
    """A notebook on disk; `sources` are the texts of its code cells."""

    path: Path
    sources: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash of the code: text and outputs of the file may change without a new run."""
        return hashlib.sha256("\0".join(self.sources).encode()).hexdigest()


def find_notebook(root: Path, experiment: str) -> Path:
    """Return the notebook that reports `experiment`.

    Its own (``experiments/NAME/notebook.ipynb``), else the project's template
    (``notebooks/verdict.ipynb``), else the one that comes with abtest.
    """
    own = root / "experiments" / experiment / "notebook.ipynb"
    places = [own, root / "notebooks" / TEMPLATE, *_carried()]
    for place in places:
        if place.is_file():
            return place
    raise UsageError(
        "there is no notebook to execute",
        given=f"looked for {own.relative_to(root)} and notebooks/{TEMPLATE} in {root}",
        todo="abtest init copies the template into a project",
        code="no_notebook",
    )


def read_notebook(path: Path) -> Notebook:
    """Return the notebook in `path` after checking that it can be given an experiment.

    Raises
    ------
    UsageError
        It is not a notebook of format 4, or its cell tagged ``parameters`` is missing, not
        alone, or does not set exactly the names ``experiment`` and ``run``.
    """
    cells = _code_cells(path)
    tagged = [source for source, tags in cells if PARAMETERS_TAG in tags]
    todo = (
        'one code cell with the tag parameters, holding exactly: experiment = "..." and run = None'
    )
    if len(tagged) != 1:
        raise UsageError(
            f"the notebook has {len(tagged) or 'no'} parameters cell{'s' * (len(tagged) > 1)}",
            given=str(path),
            todo=todo,
            code="invalid_notebook",
        )
    names = _assigned(tagged[0])
    if names != sorted(PARAMETERS):
        raise UsageError(
            "the parameters cell does not set exactly experiment and run",
            given=f"{path}: {', '.join(names) if names else tagged[0].strip() or 'an empty cell'}",
            todo=todo,
            code="invalid_notebook",
        )
    return Notebook(path, tuple(source for source, _ in cells))


def _code_cells(path: Path) -> list[tuple[str, list[str]]]:
    """Return source and tags of every code cell; only json, so that `status` is quick."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["nbformat"] != 4:
            raise ValueError(f"format {content['nbformat']}, not 4")
        return [
            ("".join(cell["source"]), list(cell.get("metadata", {}).get("tags", [])))
            for cell in content["cells"]
            if cell["cell_type"] == "code"
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "the notebook cannot be read",
            given=f"{path}: {error}",
            todo="open and save it in JupyterLab, or copy the template again",
            code="invalid_notebook",
        ) from error


def _assigned(source: str) -> list[str]:
    """Return the sorted names that `source` assigns; empty if it does anything else."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return []
    names: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets: list[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring is a comment
        else:
            return []
        if not all(isinstance(target, ast.Name) for target in targets):
            return []
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return sorted(names)


def _carried() -> tuple[Path, Path]:
    """Return where abtest's own template is: in the wheel, or in a source checkout."""
    package = Path(abtest.__file__).parent
    checkout = package.parents[1]
    return package / "_project" / "notebooks" / TEMPLATE, checkout / "notebooks" / TEMPLATE
