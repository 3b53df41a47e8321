"""Examples in the Markdown files run as they stand, over the data of the demo.

A Python line that ends in ``# -> something`` is an expression, and that is what it gives.
Shell lines that start with ``abtest`` or ``make`` name verbs, options and targets that exist.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
GIVES = re.compile(r"^(?P<expression>[^#\n]+?)\s+# -> (?P<value>.+)$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def with_blocks(language: str) -> pytest.MarkDecorator:
    """Run a test once for each page that has code in that language."""
    pages = [page for page in PAGES if blocks(page, language)]
    names = [page.relative_to(ROOT).as_posix() for page in pages]
    return pytest.mark.parametrize("page", pages, ids=names)


def shell_commands(page: Path, program: str) -> list[list[str]]:
    """Return the words of every shell line of a page that calls a program."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line[:1] == [program]]


@with_blocks("python")
def test_python_examples_run_and_give_what_they_say(page, demo_project, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(demo_project, tmp_path / "demo"))
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
        for match in GIVES.finditer(block):
            assert repr(eval(match["expression"], names)) == match["value"], match["expression"]


@with_blocks("sh")
def test_make_targets_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for _, *targets in shell_commands(page, "make"):
        for target in targets:
            if "=" not in target:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@with_blocks("sh")
def test_verbs_and_options_exist(page):
    for _, verb, *words in shell_commands(page, "abtest"):
        command = [sys.executable, "-m", "abtest", verb, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for word in words:
            if word.startswith("-"):
                assert re.search(rf"(?<![\w-]){word}(?![\w-])", done.stdout), f"{verb} {word}"


def test_the_steps_to_an_experiment_of_ones_own_work_in_an_empty_folder(tmp_path):
    people = range(2_000)
    rows = (f"{i},{'new' if i % 2 else 'old'},{int(i % 5 == 0)},{i % 7}" for i in people)
    table = "\n".join(["person,variant,returned,sessions", *rows])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "units.csv").write_text(table + "\n", encoding="utf-8")
    for words in shell_commands(ROOT / "README.md", "abtest"):
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        explanatory = words[1] in ("explain", "schema")
        assert done.returncode == 0 or explanatory, f"{words}: {done.stdout}{done.stderr}"
    assert (tmp_path / "reports" / "my_test" / "report.html").exists()
