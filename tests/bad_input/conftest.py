"""A project that goes wrong on purpose, and what its user sees."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import abtest
from abtest.cli.app import main
from abtest.errors import AbtestError
from abtest.experiment.toml_text import toml_value

HEADER = ("id", "variant", "value", "kept", "at", "pre", "country")
HOLD = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True);"
    "sys.stdin.read()"
)


class Units(NamedTuple):
    """A row of the table that every test starts from."""

    id: object
    variant: object
    value: object
    kept: object
    at: object
    pre: object
    country: object


def good_rows(count: int = 240) -> list[Units]:
    """Return rows of two arms that differ a little."""
    return [
        Units(
            number,
            "new" if number % 2 else "old",
            (number * 7919 % 101) / 10 + number % 2,
            int(number * 31 % 97 < 40 + 5 * (number % 2)),
            f"2026-01-{5 + number % 9:02}T{number % 24:02}:30:00Z",
            float(number * 13 % 50),
            ("nl", "ir")[number // 2 % 2],
        )
        for number in range(count)
    ]


def as_csv(rows: Iterable[Iterable[object]], header: Iterable[str] = HEADER, **how: Any) -> str:
    """Return rows as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", **how)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def units_spec(source: str = "units.csv", name: str = "bad") -> dict[str, Any]:
    """Return an experiment over that table, to be changed by the test."""
    return {
        "experiment": {"name": name},
        "variants": {"control": "old", "treatments": ["new"]},
        "data": {"kind": "units", "source": source, "unit": "id", "variant": "variant"},
        "metrics": [
            {
                "id": "amount",
                "kind": "mean",
                "value": "value",
                "role": "primary",
                "direction": "increase",
                "mde": 0.1,
            }
        ],
    }


def as_toml(spec: dict[str, Any]) -> str:
    """Return a spec as the text of an experiment file, a line for every key."""
    lines = []
    for table, keys in spec.items():
        if table == "metrics":
            continue
        lines += [f"[{table}]", *(f"{key} = {toml_value(value)}" for key, value in keys.items())]
    for metric in spec["metrics"]:
        lines += ["[[metrics]]", *(f"{key} = {toml_value(value)}" for key, value in metric.items())]
    return "\n".join(lines) + "\n"


class Project:
    """A project folder with ways to look at what comes of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "experiments").mkdir(parents=True)

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file of data; return its name."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def add(self, name: str, spec: dict[str, Any] | str | bytes) -> Path:
        """Write an experiment file; return its path."""
        folder = self.root / "experiments" / name
        folder.mkdir(exist_ok=True)
        text = as_toml(spec) if isinstance(spec, dict) else spec
        (folder / "experiment.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder / "experiment.toml"

    def analyse(self, spec: dict[str, Any], *, as_of: str | None = None) -> dict[str, Any]:
        """Return the verdict document of a spec over files of this project."""
        analysis = abtest.load(spec, root=self.root).analyze(as_of)
        return analysis.to_dict()

    def refusal(self, spec: dict[str, Any], *, as_of: str | None = None) -> AbtestError:
        """Return the error with which a spec is refused."""
        with pytest.raises(AbtestError) as caught:
            self.analyse(spec, as_of=as_of)
        return caught.value


class Said(NamedTuple):
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str


@contextmanager
def held_open(path: Path):
    """Keep a DuckDB file open for writing in another process, as a notebook does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        try:
            yield
        finally:
            holder.communicate()


def is_three_parts(text: str) -> bool:
    """Return whether a message says what, what was given and what to do, and no more."""
    return "given: " in text and "to do: " in text and "Traceback" not in text


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Project:
    """Return a project with a good table of units, which is also the working folder."""
    made = Project(tmp_path / "project")
    made.write("units.csv", as_csv(good_rows()))
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def command(capsys):
    """Return a function that runs `abtest` in this process."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(list(arguments))
        return Said(code, *capsys.readouterr())

    return run
