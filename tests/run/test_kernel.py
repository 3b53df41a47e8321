"""Where a notebook is executed: this interpreter, private sockets, settled environment."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from abtest.run.capacity import BYTES_PER_JOB, default_jobs
from abtest.run.guard import skip_iri_grammar
from abtest.run.kernel import Kernel
from abtest.run.nursery import SETTLED


@pytest.fixture
def surroundings(project, monkeypatch):
    """What a kernel sees, when the caller's environment is unusual."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("PYTHONSTARTUP", "surprise.py")
    monkeypatch.setenv("ABTEST_PASSED_ON", "yes")
    project.add("looks", "notes_surroundings")
    assert project.one("looks").status == "done"
    return project.json("surroundings.json")


def test_a_kernel_is_this_interpreter_in_the_projects_root(project, surroundings):
    assert surroundings["python"] == sys.executable
    assert surroundings["folder"] == str(project.root)
    assert surroundings["experiment"] == "looks"
    assert Path(surroundings["run"]).name == "resolved.json"


def test_a_kernel_has_a_settled_environment(surroundings):
    environment = surroundings["environment"]
    assert {name: environment[name] for name in SETTLED} == SETTLED
    assert SETTLED["OMP_NUM_THREADS"] == "1"
    assert "PYTHONSTARTUP" not in environment
    assert environment["ABTEST_PASSED_ON"] == "yes"
    assert not Path(environment["IPYTHONDIR"]).exists()  # private, and gone with the kernel


@pytest.mark.platform_specific
@pytest.mark.skipif(os.name == "nt", reason="there are no Unix sockets for kernels on Windows")
def test_a_kernel_listens_on_private_sockets_only(surroundings):
    assert surroundings["transport"] == "ipc"
    assert Path(surroundings["sockets"]).is_absolute()
    assert len(surroundings["sockets"]) < 100


def test_the_folder_of_sockets_is_private(tmp_path):
    from abtest.run.pool import _private_folder

    folder = _private_folder()
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        folder.rmdir()


def test_a_long_folder_for_temporary_files_is_avoided(tmp_path, monkeypatch):
    from abtest.run.pool import _private_folder

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 20)))
    folder = _private_folder()
    folder.rmdir()
    assert len(str(folder)) < 40


def test_a_kernel_that_cannot_start_is_tried_once_more_and_says_why(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(project.root / "broken"))
    (project.root / "broken").mkdir()
    (project.root / "broken" / "ipykernel_launcher.py").write_text(
        "raise SystemExit('no kernel today')"
    )
    project.add("first")
    result = project.one("first")
    assert (result.failure.code, result.attempts) == ("kernel_did_not_start", 2)
    assert "no kernel today" in result.failure.given


def test_kernel_is_killed_with_its_group(tmp_path):
    kernel = Kernel(tmp_path, tmp_path)
    kernel.kill()
    kernel.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(kernel.pid, 0)


def test_the_guard_keeps_a_grammar_out_that_notebooks_do_not_need():
    code = (
        "import sys\n"
        "from abtest.run.guard import skip_iri_grammar\n"
        "skip_iri_grammar()\n"
        "import nbformat\n"
        "assert 'lark' not in sys.modules\n"
        "import jsonschema\n"
        "checker = jsonschema.Draft7Validator.FORMAT_CHECKER\n"
        "assert 'date-time' in checker.checkers or 'date' in checker.checkers\n"
        "nbformat.validate(nbformat.v4.new_notebook())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_guard_leaves_a_loaded_grammar_alone(monkeypatch):
    loaded = object()
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", loaded)
    skip_iri_grammar()
    assert sys.modules["rfc3987_syntax"] is loaded


def test_importing_the_library_does_not_set_the_guard():
    code = "import sys, abtest, abtest.run.guard; assert 'rfc3987_syntax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_jobs_are_limited_by_experiments_processors_and_memory(monkeypatch):
    monkeypatch.setattr("abtest.run.capacity._processors", lambda: 8)
    monkeypatch.setattr("abtest.run.capacity._available_bytes", lambda: 3 * BYTES_PER_JOB)
    assert [default_jobs(count) for count in (0, 1, 2, 20)] == [1, 1, 2, 3]
    monkeypatch.setattr("abtest.run.capacity._available_bytes", lambda: None)
    assert default_jobs(20) == 8
