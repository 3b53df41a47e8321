"""`abtest lab`: JupyterLab in the root of the project."""

import sys

import pytest

from abtest.cli import lab as lab_module
from abtest.cli.app import main

FAKE = """\
import os, sys
print(os.getcwd())
print(sys.argv[1:])
raise SystemExit(7)
"""


@pytest.fixture
def fake_jupyterlab(tmp_path, monkeypatch):
    """Have a program that reports how it was started stand for JupyterLab."""
    package = tmp_path / "packages" / "jupyterlab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.syspath_prepend(str(package.parent))


def test_it_starts_in_the_root_with_what_was_passed_on(empty, fake_jupyterlab, monkeypatch, capfd):
    monkeypatch.chdir(empty.root / "experiments")
    assert main(["lab", "--", "--no-browser", "--port", "8899"]) == 7
    folder, arguments = capfd.readouterr().out.splitlines()
    assert folder == str(empty.root)
    assert arguments == "['--no-browser', '--port', '8899']"


def test_it_opens_the_tutorial_where_there_is_one(empty, fake_jupyterlab, capfd):
    (empty.root / "notebooks").mkdir()
    (empty.root / "notebooks" / "tutorial.ipynb").touch()
    main(["lab"])
    assert "tutorial.ipynb" in capfd.readouterr().out


def test_without_jupyterlab_it_says_how_to_install_it(empty, monkeypatch, capsys):
    monkeypatch.setattr(lab_module, "find_spec", lambda _: None)
    assert main(["lab"]) == 2
    said = capsys.readouterr().err
    assert "abtest-toolkit[lab]" in said
    assert sys.executable in said
