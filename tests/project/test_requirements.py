"""``pyproject.toml`` asks for what is imported; the lock files hold it, with hashes only."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
BROUGHT_ALONG = {"pydantic-core"}
"""Imported, and part of something that is asked for by name."""
NOT_IMPORTED = {"ipykernel", "jupyterlab", "tzdata"}
"""Asked for, and started as programs or read as data."""
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)(.*)$", re.MULTILINE)


def direct() -> list[Requirement]:
    """Every requirement of the project, its extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def imported(folder: str) -> set[str]:
    """Distribution of every top-level package that is imported in a folder, local ones left out."""
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    providers = packages_distributions()
    foreign = names & set(providers) - {"abtest", *sys.stdlib_module_names}
    return {canonicalize_name(providers[name][0]) for name in foreign}


def text(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Version of every package in a lock file."""
    return {package: version for package, version, _ in PIN.findall(text(name))}


@pytest.mark.parametrize("name", ["lock.txt", "lowest.txt"])
def test_a_lock_holds_everything_that_is_asked_for(name):
    locked = pins(name)
    for requirement in direct():
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("name", ["lock.txt", "lowest.txt"])
def test_every_pin_has_a_hash_and_none_an_address(name):
    content = text(name)
    for _, _, rest in PIN.findall(content):
        assert rest.endswith("\\")
    lines = [line.strip() for line in content.splitlines() if not line.lstrip().startswith("#")]
    assert all(line.startswith("--hash=sha256:") or PIN.match(line) for line in lines)


def test_the_lowest_versions_are_the_bounds_of_the_project():
    lowest = pins("lowest.txt")
    for requirement in direct():
        [bound] = [item.version for item in requirement.specifier if item.operator == ">="]
        pinned = lowest[canonicalize_name(requirement.name)]
        assert pinned.startswith(bound), f"{requirement.name} {pinned}, not {bound}"


def test_what_is_imported_is_asked_for_and_the_reverse():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["lab"], *extras["excel"]]
    asked = {canonicalize_name(Requirement(line).name) for line in lines}
    used = imported("src")
    assert used - asked == BROUGHT_ALONG
    assert asked - used == NOT_IMPORTED


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "calibration"])
def test_what_tests_and_benchmarks_import_is_asked_for(folder):
    asked = {canonicalize_name(requirement.name) for requirement in direct()}
    assert imported(folder) <= asked | BROUGHT_ALONG
