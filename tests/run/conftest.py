"""Projects whose notebooks misbehave in one way each, and a way to run them."""

import json
import shutil
from pathlib import Path

import pytest

from abtest.run import Event, RunOptions, RunResult, run_experiments

NOTEBOOKS = Path(__file__).parent / "notebooks"
FILE = """\
[experiment]
name = "{name}"
title = "Title of {name}"

[variants]
control = "a"
treatments = ["b"]

[data]
kind = "units"
source = "units.csv"
variant = "variant"

[[metrics]]
id = "clicks"
kind = "mean"
value = "clicks"
role = "primary"
direction = "increase"
mde = 0.1
"""


class Project:
    """A project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        self.results: dict[str, RunResult] = {}
        if root.exists():
            return
        (root / "experiments").mkdir(parents=True)
        (root / "units.csv").write_text("variant,clicks\na,1\na,2\nb,2\nb,3\n", "utf-8")
        shutil.copy(NOTEBOOKS / "fake_analysis.py", root)

    def copy(self, root: Path) -> "Project":
        """Return a copy of the project in another folder."""
        shutil.copytree(self.root, root)
        return Project(root)

    def add(self, name: str, notebook: str = "writes_verdict") -> Path:
        """Add an experiment that is reported by a fixture notebook; return its folder."""
        folder = self.root / "experiments" / name
        folder.mkdir()
        (folder / "experiment.toml").write_text(FILE.format(name=name), "utf-8")
        self.use(name, notebook)
        return folder

    def use(self, name: str, notebook: str) -> None:
        """Have another notebook report an experiment."""
        target = self.root / "experiments" / name / "notebook.ipynb"
        shutil.copy(NOTEBOOKS / f"{notebook}.ipynb", target)

    def run(self, *names: str, **options: object) -> list[RunResult]:
        """Run experiments (all that are not concluded when none is named)."""
        self.events = []
        chosen = RunOptions(**options)  # type: ignore[arg-type]  # from test's keywords
        return run_experiments(self.root, names or None, chosen, self.events.append)

    def one(self, name: str, **options: object) -> RunResult:
        """Run one experiment."""
        [result] = self.run(name, **options)
        return result

    def report(self, name: str) -> Path:
        """Folder of an experiment's report."""
        return self.root / "reports" / name

    def json(self, *parts: str) -> dict:
        """Read a JSON file below the root."""
        return json.loads(self.root.joinpath(*parts).read_bytes())

    def record(self, name: str) -> dict:
        """Read the record of the last good run."""
        return self.json("reports", name, "run.json")

    def failure(self, name: str) -> dict:
        """Read the record of the last run, which failed."""
        return self.json("reports", name, "failed", "run.json")

    def partial(self, name: str) -> dict:
        """Read the notebook that a failed run left."""
        return self.json("reports", name, "failed", "report.ipynb")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty project."""
    return Project(tmp_path / "project")
