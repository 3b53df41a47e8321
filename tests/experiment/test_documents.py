"""Files that cannot be read say why, and where."""

from __future__ import annotations

import os

import pytest

from abtest.errors import SpecError
from abtest.experiment.resolve import resolve

from .spec_files import UNITS, put

UNREADABLE = {
    "a value without quotes": (
        b"[experiment]\nname = cats\n",
        2,
        "this is not TOML",
        "name = cats",
    ),
    "a missing bracket": (b"[experiment\nname = 1\n", 1, "this is not TOML", "[experiment"),
    "an open list at the end": (b"a = [\n1,\n", 2, "this is not TOML", "1,"),
    "a key twice": (b"a = 1\n\na = 2\n", 3, "stands here a second time", "a = 2"),
    "an impossible date": (b"a = 2026-02-30T00:00:00Z\n", 1, "this is not TOML", "2026-02-30"),
    "bytes that are not UTF-8": (b"a = 1\nb = '\xff\xfe'\n", 2, "not UTF-8", "0xff"),
    "binary": (b"\x00\x01\x02\n", 1, "this is not TOML", ""),
    "deep nesting": (b"a = " + b"[" * 50_000, None, "nested too deeply", ""),
    "a number of 5000 digits": (b"a = " + b"1" * 5000, None, "this is not TOML", ""),
    "two megabytes": (b"#" * 2_000_000, None, "too large", "2,000,000 bytes"),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_file_is_a_message_with_its_line(case, tmp_path):
    content, line, what, given = case
    path = put(tmp_path, "", "cats")
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    (problem,) = caught.value.problems
    assert caught.value.code == "unreadable_spec"
    assert problem.file == "experiments/cats/experiment.toml"
    assert problem.line == line
    assert what in problem.what
    assert given in problem.given


@pytest.mark.parametrize("content", ["", "\n# nothing yet\n"])
def test_an_empty_file_is_called_empty(content, tmp_path):
    put(tmp_path, content, "cats")
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    assert caught.value.problems[0].what == "the file is empty"


def test_tables_nested_beyond_measure_are_refused(tmp_path):
    put(tmp_path, UNITS + "[" + ".".join("a" * 5000) + "]\n", "cats")
    with pytest.raises(SpecError, match="nested too deeply"):
        resolve("cats", root=tmp_path)


def test_a_folder_in_place_of_the_file_is_said_to_be_one(tmp_path):
    folder = tmp_path / "experiments" / "cats" / "experiment.toml"
    folder.mkdir(parents=True)
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    assert caught.value.problems[0].what == "this is a folder"


def test_a_pipe_is_not_waited_for(tmp_path):
    folder = tmp_path / "experiments" / "cats"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "experiment.toml")
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    assert caught.value.problems[0].what == "this is not a file"


def test_a_path_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(SpecError) as caught:
        resolve(tmp_path / "none.toml")
    assert "No such file" in caught.value.problems[0].what


def test_a_broken_defaults_file_is_named(tmp_path):
    put(tmp_path, UNITS, "cats", defaults="a = \n")
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    assert caught.value.problems[0].file == "experiments/defaults.toml"


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = put(tmp_path, UNITS, "cats")
    path.write_bytes(b"\xef\xbb\xbf" + UNITS.encode())
    assert resolve("cats", root=tmp_path).spec.experiment.name == "cats"
