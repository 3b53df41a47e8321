"""Ctrl-C and a killed parent: what is finished stays, and no process is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.run.partial import banner, statuses
from tests.run.processes import gone

DRIVER = """
import json, sys
from pathlib import Path
from abtest.run import RunOptions, run_experiments

def tell(event):
    print(event.kind, event.experiment, flush=True)

results = run_experiments(Path(sys.argv[1]), None, RunOptions(jobs=int(sys.argv[2])), tell)
print(json.dumps({result.experiment: result.status for result in results}))
"""


def start(project, jobs: int) -> subprocess.Popen:
    """Run the project in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(project.root), str(jobs)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(path: Path) -> dict:
    """Content of a file that a kernel writes."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError):
            time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("number", "notebook"), [(signal.SIGINT, "sleeps"), (signal.SIGTERM, "ignores_interrupts")]
)
def test_an_interrupt_keeps_what_is_finished_and_leaves_no_process(project, number, notebook):
    project.add("a_done")
    project.add("b_slow", notebook)
    project.add("c_waits")
    run = start(project, jobs=1)
    kernel = wait_for(project.root / "kernel.json")["pid"]
    workers = children(run.pid)
    assert workers
    workers += [child for worker in workers for child in children(worker)]  # nurseries
    os.killpg(run.pid, number)  # as a terminal does: the whole foreground group
    out, _ = run.communicate(timeout=20)
    assert json.loads(out.splitlines()[-1]) == {
        "a_done": "done",
        "b_slow": "interrupted",
        "c_waits": "interrupted",
    }
    assert all(gone(pid) for pid in [kernel, *workers])
    assert (project.report("a_done") / "run.json").exists()
    assert not project.report("c_waits").exists()
    assert project.failure("b_slow")["status"] == "interrupted"
    assert "was interrupted" in banner(project.partial("b_slow"))
    assert statuses(project.partial("b_slow")) == ["completed"] * 3 + ["failed", "pending"]
    assert [path.name for path in project.report("b_slow").iterdir()] == ["failed"]


def test_a_killed_parent_leaves_no_process_and_no_temporary_folder(project, tmp_path, monkeypatch):
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    project.add("slow", "sleeps")
    run = start(project, jobs=1)
    kernel = wait_for(project.root / "kernel.json")["pid"]
    workers = children(run.pid)
    workers += [child for worker in workers for child in children(worker)]  # nurseries
    run.kill()
    run.communicate(timeout=10)
    assert all(gone(pid) for pid in [kernel, *workers])
    assert list(place.iterdir()) == []
