"""The lock files hold what ``pyproject.toml`` asks for, with hashes and without addresses."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)(.*)$", re.MULTILINE)


def direct() -> list[Requirement]:
    """Every requirement of the project, its extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


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
