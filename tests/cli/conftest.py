"""Projects with results, for the verbs that run and show them."""

import pytest
from tests.run.conftest import Project


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """Return a project after a run: one good result, one failed, one never run, one concluded."""
    project = Project(tmp_path_factory.mktemp("reported") / "project")
    for name, notebook in (("bad", "raises"), ("good", "writes_verdict"), ("new", "raises")):
        project.add(name, notebook)
    project.run("bad", "good")
    return project


@pytest.fixture
def inside(reported, tmp_path, monkeypatch):
    """Return a copy of that project, which is also the working folder."""
    project = reported.copy(tmp_path / "project")
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Return a project without experiments, which is also the working folder."""
    project = Project(tmp_path / "project")
    monkeypatch.chdir(project.root)
    return project
