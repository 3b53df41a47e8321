"""The way of somebody new, over real data: init, new --from, edit, check, run, and by papermill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import html5lib
import pytest

PROGRAMS = Path(sys.executable).parent


def run(program, *arguments, cwd):
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(shared_data, tmp_path_factory):
    """A project made by the command line alone, with one experiment over a real file."""
    root = tmp_path_factory.mktemp("whole_way")
    run("abtest", "init", cwd=root)
    (root / "data" / "cookie_cats.csv.gz").symlink_to(shared_data / "cookie_cats.csv.gz")
    run("abtest", "new", "cookie_cats", "--from", "data/cookie_cats.csv.gz", cwd=root)
    file = root / "experiments" / "cookie_cats" / "experiment.toml"
    edited = file.read_text("utf-8").replace("# mde = 0.05", "mde = 0.05")
    file.write_text(edited, "utf-8")
    run("abtest", "check", "--data", "cookie_cats", cwd=root)
    run("abtest", "run", "cookie_cats", cwd=root)
    return root


def test_the_proposed_experiment_comes_to_the_known_verdict(project):
    verdict = json.loads((project / "reports/cookie_cats/verdict.json").read_text("utf-8"))
    primary = verdict["effects"][0]
    assert (primary["metric"], primary["role"]) == ("retention_7", "primary")
    assert primary["p_value"] == pytest.approx(0.00156, abs=5e-6)
    assert verdict["verdict"] == "do_not_ship"


def test_the_report_says_the_headline_and_loads_nothing(project):
    verdict = json.loads((project / "reports/cookie_cats/verdict.json").read_text("utf-8"))
    page = (project / "reports/cookie_cats/report.html").read_text("utf-8")
    assert len(page.encode()) < 400_000
    parsed = html5lib.parse(page, namespaceHTMLElements=False)
    assert verdict["headline"] in "".join(parsed.itertext())
    for element in parsed.iter():
        for name in ("src", "href"):
            assert not (element.get(name) or "").startswith(("http:", "https:", "//"))


def test_plain_papermill_writes_the_same_bytes(project):
    path = project / "reports" / "cookie_cats" / "verdict.json"
    by_abtest = path.read_bytes()
    path.unlink()
    run(
        "papermill", "notebooks/verdict.ipynb", "out.ipynb", "-p", "experiment", "cookie_cats",
        cwd=project,
    )  # fmt: skip
    assert path.read_bytes() == by_abtest


def test_a_second_run_reuses_what_is_there(project):
    text = run("abtest", "run", "cookie_cats", cwd=project)
    assert "1 reused" in text or "up to date" in text
