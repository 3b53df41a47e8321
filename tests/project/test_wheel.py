"""What is built: the wheel is whole, is the same from an sdist, and works where nothing else is."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(target: str, source: Path, folder: Path) -> Path:
    """Path of the built file."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    [built] = folder.iterdir()
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    """Name and bytes of every file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_the_experiments_and_notebooks(wheel):
    names = set(contents(wheel))
    for folder, suffix in (("experiments", "toml"), ("notebooks", "ipynb")):
        wanted = {
            path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(f"*.{suffix}")
        }
        assert wanted
        assert {f"abtest/_project/{name}" for name in wanted} <= names


def test_the_wheel_carries_the_library_its_types_and_nothing_else(wheel):
    names = set(contents(wheel))
    library = [path for path in (ROOT / "src").rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT / "src").as_posix() for path in library}
    assert {name for name in wanted if "__pycache__" not in name} <= names
    assert "abtest/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"abtest"}


def test_an_sdist_builds_the_same_wheel(wheel, tmp_path):
    sdist = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [source] = (tmp_path / "unpacked").iterdir()
    again = build("wheel", source, tmp_path / "again")
    assert again.name == wheel.name
    assert contents(again) == contents(wheel)


def test_the_wheel_works_in_an_empty_folder_of_a_new_environment(wheel, tmp_path):
    # The libraries it depends on come from this environment: a path file, which does not follow
    # the path file that makes this checkout importable here.
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, cwd=tmp_path
    )
    variables = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    packages = Path(sysconfig.get_path("purelib", vars=variables))
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + os.linesep)
    where = run(python, "-c", "import abtest; print(abtest.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(packages)

    abtest = tmp_path / "venv" / "bin" / "abtest"
    project = tmp_path / "project"
    run(abtest, "init", project, cwd=tmp_path)
    assert list((project / "notebooks").glob("*.ipynb"))
    run(abtest, "check", cwd=project)
