"""Fixtures every test may use, and the rule that what CI requires may not be skipped.

``ABTEST_SHARED`` names the folder with the real data (default ``../shared``, beside this project).
``ABTEST_REQUIRE`` is a comma-separated list of what must be there: ``shared``, names of programs.
While it is set, a missing thing on the list fails its tests, and so does any skip that is not
about a missing thing (mark a test ``platform_specific`` where it is right to skip it).
"""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
"""Other names under which a program may be installed."""
ABSENT = "absent: "
"""How the reason of a skip starts when something is not installed or not there."""

hypothesis.settings.register_profile("abtest", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("abtest")


def required() -> frozenset[str]:
    """Names that must not be missing, from ``ABTEST_REQUIRE``."""
    names = os.environ.get("ABTEST_REQUIRE", "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def give_up(name: str, sentence: str) -> NoReturn:
    """Skip the test, or fail it when ``name`` is required."""
    if name in required():
        pytest.fail(f"{sentence}, and ABTEST_REQUIRE asks for {name!r}", pytrace=False)
    pytest.skip(f"{ABSENT}{sentence}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets."""
    folder = ROOT / os.environ.get("ABTEST_SHARED", "../shared") / "data"
    if not folder.is_dir():
        give_up("shared", f"no real data at {folder} (set ABTEST_SHARED)")
    return folder.resolve()


@pytest.fixture(scope="session")
def needs() -> Callable[[str], str]:
    """Function from a program's name to its path; skips the test when it is not installed."""

    def find(name: str) -> str:
        for candidate in PROGRAMS.get(name, (name,)):
            if path := shutil.which(candidate):
                return path
        give_up(name, f"{name} is not installed")

    return find


@pytest.fixture(scope="session")
def demo_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a project with the demo's experiments, notebooks and data; not to be changed."""
    from abtest.simulate import DEMO_SEED, demo_worlds, simulate, write_duckdb

    folder = tmp_path_factory.mktemp("demo")
    for part in ("experiments", "notebooks"):
        shutil.copytree(ROOT / part, folder / part)
    simulated = {name: simulate(world, DEMO_SEED) for name, world in demo_worlds().items()}
    write_duckdb(folder / "data" / "demo.duckdb", simulated)
    return folder


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure when CI runs and nothing that may be absent was missing."""
    if report.skipped and required() and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(ABSENT):
            report.outcome = "failed"
            report.longrepr = f"skipped although ABTEST_REQUIRE is set: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report of one test; a skip it may not have becomes a failure."""
    report = yield
    if item.get_closest_marker("platform_specific") is None:
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Report of collecting one module; it may not skip itself either."""
    report = yield
    refuse_skip(report)
    return report
