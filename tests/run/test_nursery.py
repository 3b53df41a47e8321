"""Kernels forked from a process that has loaded what reports need."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.run.processes import gone

from abtest.run.kernel import Kernel
from abtest.run.nursery import SETTLED, Nursery, can_fork

pytestmark = [
    pytest.mark.platform_specific,
    pytest.mark.skipif(not can_fork(), reason="kernels are forked on Linux only"),
]


@pytest.fixture
def nursery():
    """A nursery that is ended with the test."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def kernel(nursery, tmp_path):
    """A kernel forked from it, not yet spoken to."""
    kernel = Kernel(tmp_path, tmp_path, nursery)
    yield kernel
    kernel.kill()
    kernel.close()


def parent(pid: int) -> int:
    """The process that another one comes from."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rsplit(")", 1)[1].split()[1])


def test_a_kernel_is_forked_and_leads_a_session_of_its_own(nursery, kernel):
    assert parent(kernel.pid) == nursery.pid
    assert os.getsid(kernel.pid) == kernel.pid
    assert os.getsid(kernel.pid) != os.getsid(nursery.pid)


def test_a_forked_kernel_that_is_killed_is_seen_to_be_gone(kernel):
    process = kernel.manager.provisioner.process
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    assert process.wait(5) == 0
    assert process.poll() == 0
    process.terminate()  # of what is gone: nothing happens


def test_kernels_end_with_their_nursery(nursery, kernel):
    nursery.close()
    assert gone(kernel.pid)


def test_kernels_end_when_their_nursery_is_killed(nursery, kernel):
    os.kill(nursery.pid, signal.SIGKILL)
    # ipykernel looks once a second, as soon as it is up.
    assert gone(kernel.pid, within=20)


def test_without_its_nursery_a_kernel_is_started_anew(nursery, tmp_path):
    os.kill(nursery.pid, signal.SIGKILL)
    kernel = Kernel(tmp_path, tmp_path, nursery)
    try:
        assert parent(kernel.pid) == os.getpid()
    finally:
        kernel.kill()
        kernel.close()


def test_what_is_loaded_starts_no_thread_and_takes_no_pyplot():
    code = (
        "import os, sys\n"
        "from importlib import import_module\n"
        "from abtest.run.preloaded import MODULES\n"
        "for module in MODULES: import_module(module)\n"
        "assert len(os.listdir('/proc/self/task')) == 1\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    environment = {**os.environ, **SETTLED, "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_kernel_knows_nothing_of_the_allocators_setting(project):
    project.add("looks", "notes_surroundings")
    assert project.one("looks").status == "done"
    assert "JE_ARROW_MALLOC_CONF" not in project.json("surroundings.json")["environment"]
