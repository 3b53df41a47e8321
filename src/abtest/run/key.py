"""The key of a run: everything that its result was made from."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import abtest

PACKAGES = (
    "duckdb",
    "ibis-framework",
    "matplotlib",
    "nbconvert",
    "numpy",
    "pandas",
    "papermill",
    "pyarrow",
    "scipy",
    "statsmodels",
)
"""Packages that numbers, pictures or pages depend on."""
_WORDS = {
    "spec": "the experiment file changed",
    "lock": "the lock of the plan changed",
    "data": "the data changed",
    "notebook": "the notebook's code changed",
    "as_of": "another as_of was asked for",
    "abtest": "abtest itself changed",
    "python": "another version of Python",
    "packages": "other versions of packages",
}


class RunKey(BaseModel):
    """What a result was made from; two equal keys give the same result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spec: str
    lock: str | None
    data: str
    notebook: str
    as_of: str | None
    abtest: str
    python: str
    packages: dict[str, str]

    @property
    def sha256(self) -> str:
        """One hash over all parts."""
        content = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def changes(self, earlier: RunKey) -> tuple[str, ...]:
        """Return in words what differs from an earlier key; empty when nothing does."""
        changed: list[str] = []
        for part, words in _WORDS.items():
            before, now = getattr(earlier, part), getattr(self, part)
            if before == now:
                continue
            moved = f" ({', '.join(_moved(before, now))})" if part == "packages" else ""
            changed.append(words + moved)
        return tuple(changed)


def run_key(
    *, spec: str, data: str, notebook: str, as_of: str | None, lock_file: Path | None
) -> RunKey:
    """Return the key of a run with these parts and the versions of this environment."""
    return RunKey(
        spec=spec,
        lock=_file_sha256(lock_file) if lock_file is not None and lock_file.is_file() else None,
        data=data,
        notebook=notebook,
        as_of=as_of,
        abtest=f"{abtest.__version__}+{own_code()}",
        python=platform.python_version(),
        packages=dict(versions()),
    )


@functools.cache
def versions() -> tuple[tuple[str, str], ...]:
    """Return the installed versions of `PACKAGES`, by name; those that are missing are left out."""
    found = []
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


@functools.cache
def own_code() -> str:
    """Return a short hash of abtest's own files.

    The version stays the same while a source checkout is edited, or between two builds of a
    development version; a result made by other code must not pass for up to date.
    """
    package = Path(abtest.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _moved(before: dict[str, str], now: dict[str, str]) -> list[str]:
    names = sorted(before.keys() | now.keys())
    return [
        f"{name} {before.get(name, 'absent')} to {now.get(name, 'absent')}"
        for name in names
        if before.get(name) != now.get(name)
    ]
