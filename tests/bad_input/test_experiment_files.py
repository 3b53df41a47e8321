"""Experiment files that are wrong: file, line, key, what is allowed; the others go on."""

import copy
import re

import pytest

from .conftest import as_toml, is_three_parts, units_spec

WRONG = {
    "unknown key": ("experiment.nmae", "x", "unknown key", 'Did you mean "name"?'),
    "unknown metric key": ("metrics.0.roel", "x", "unknown key", 'Did you mean "role"?'),
    "unknown data key": ("data.varaint", "x", "unknown key", 'Did you mean "variant"?'),
    "key of another table": ("experiment.alpha", 0.1, "unknown key", "It belongs to analysis"),
    "number as text": ("metrics.0.mde", "0.1", "must be a number", "without quotes"),
    "text as number": ("metrics.0.value", 5, "must be text in quotes", "abtest explain"),
    "list as text": ("variants.treatments", "new", "must be a list", "abtest explain"),
    "table as list": ("variants.allocation", [0.5, 0.5], "must be a table", "abtest explain"),
    "not a number": ("metrics.0.mde", float("nan"), "must be a finite number", "abtest explain"),
    "infinite": ("metrics.0.mde", float("inf"), "must be a finite number", "abtest explain"),
    "negative": ("metrics.0.mde", -0.1, "must be greater than 0", "abtest explain metrics.mde"),
    "alpha 0": ("analysis.alpha", 0, "must be greater than 0", "abtest explain analysis.alpha"),
    "one variant": ("variants.treatments", [], "must not be empty", "variants.treatments"),
    "the control again": ("variants.treatments", ["old"], "the control is among them", "Take"),
    "a treatment twice": ("variants.treatments", ["new", "new"], "is there twice", "once"),
    "no name": ("variants.control", "", "must not be empty", "abtest explain"),
    "allocation 0": ("variants.allocation", {"old": 1.0, "new": 0.0}, "greater than 0", "explain"),
    "shares of .9": ("variants.allocation", {"old": 0.5, "new": 0.4}, "must sum to 1", "Correct"),
    "capital letters": ("experiment.name", "Bad", "small letters", "abtest explain"),
    "another name": ("experiment.name", "good", "must be the name of its folder", "Write name"),
    "a time in quotes": ("experiment.start", "2026-01-05", "with a zone", "without quotes"),
    "an unknown zone": ("experiment.timezone", "Europe/Berln", "time zone", "Europe/Berlin"),
    "an unknown word": ("metrics.0.role", "main", "must be one of", "Allowed"),
    "an unknown kind": ("metrics.0.kind", "men", "unknown kind", 'Did you mean "mean"?'),
    "a window on units": ("metrics.0.window_days", [0, 7], "", ""),
}


def changed(path, value):
    """The good experiment with one key set."""
    spec = copy.deepcopy(units_spec())
    *tables, key = path.split(".")
    place = spec
    for table in tables:
        place = place[int(table)] if table.isdigit() else place.setdefault(table, {})
    place[key] = value
    return spec


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_key_is_told_with_its_line_in_three_parts(project, command, case):
    path, value, what, todo = WRONG[case]
    file = project.add("bad", changed(path, value))
    said = command("check")
    assert said.code == 1
    assert said.out.split() == ["wrong", "bad", "1", "problem"]
    first = said.err.splitlines()[0]
    place, line, rest = re.fullmatch(r"(.+?\.toml):(\d+): (.+)", first).groups()
    assert place == "experiments/bad/experiment.toml"
    assert path.rsplit(".", 1)[-1] in file.read_text("utf-8").splitlines()[int(line) - 1]
    assert what in rest
    assert is_three_parts(said.err)
    assert todo in said.err


@pytest.mark.parametrize("case", ["unknown key", "alpha 0", "text as number", "list as text"])
def test_what_a_message_points_to_can_be_explained(project, command, case):
    project.add("bad", changed(*WRONG[case][:2]))
    for key in re.findall(r"See: abtest explain (\S+)", command("check").err):
        assert command("explain", key).code == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "the file is empty"),
        (b"[experiment\nname = 1\n", "this is not TOML"),
        (b"name = 'bad'\nname = 'bad'\n", "this is not TOML"),
        (b'title = "\xff"\n', "UTF-8"),
        ("\ufefftitle = 'x'\n".encode("utf-16"), "UTF-8"),
        (b"a." * 3000 + b"b = 1\n", ""),
        (b"a = " + b"[" * 3000 + b"]" * 3000, ""),
        (b"\0", "this is not TOML"),
    ],
)
def test_what_is_no_experiment_file_is_told_without_a_traceback(project, command, text, what):
    project.add("bad", text)
    said = command("check")
    assert said.code in {1, 2}
    assert said.err.startswith("experiments/bad/experiment.toml")
    assert what in said.err
    assert is_three_parts(said.err)
    assert "unexpectedly" not in said.err


def test_every_problem_of_a_file_is_told_at_once(project, command):
    spec = changed("metrics.0.mde", -1)
    spec["experiment"]["nmae"] = "x"
    spec["variants"]["treatments"] = []
    project.add("bad", spec)
    said = command("check")
    assert "3 problems" in said.out
    assert said.err.count("to do: ") == said.err.count("given: ") == 3


def test_an_end_before_the_start_is_refused(project, command):
    text = as_toml(units_spec()).replace(
        "[variants]", "start = 2026-02-01T00:00:00Z\nend = 2026-01-01T00:00:00Z\n[variants]"
    )
    project.add("bad", text)
    said = command("check")
    assert said.code == 1
    assert ":4: experiment.end: must be after start" in said.err


@pytest.mark.parametrize("start", ["2026-01-05T00:00:00", "2026-01-05", '"2026-01-05T00:00:00Z"'])
def test_a_time_without_zone_is_refused(project, command, start):
    text = as_toml(units_spec()).replace("[variants]", f"start = {start}\n[variants]")
    project.add("bad", text)
    said = command("check")
    assert said.code == 1
    assert ":3: experiment.start: " in said.err
    assert "2026-01-05T00:00:00Z" in said.err


def test_a_folder_with_capitals_is_refused_and_named(project, command):
    project.add("Bad", units_spec(name="Bad"))
    project.add("good", units_spec(name="good"))
    said = command("check")
    assert said.code == 1
    assert said.out.splitlines()[0].split() == ["wrong", "Bad", "1", "problem"]
    assert said.out.splitlines()[1].startswith("ok      good")


def test_two_experiments_cannot_have_one_name(project, command):
    project.add("one", units_spec(name="one"))
    project.add("two", units_spec(name="one"))
    said = command("check")
    assert said.code == 1
    assert "experiments/two/experiment.toml:2: experiment.name: must be the name of its" in said.err


def test_exit_code_2_means_that_no_file_could_be_read(project, command):
    project.add("bad", b"[")
    assert command("check").code == 2
    assert command("run").code == 2
    project.add("good", units_spec(name="good"))
    assert command("check").code == 1
