"""The command as a whole: help, errors in three parts, exit codes, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from abtest.cli.app import VERBS, main
from abtest.errors import DataError, SpecError, UsageError

HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "matplotlib",
    "ibis",
    "duckdb",
    "papermill",
    "nbformat",
    "rich",
)


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "abtest", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
    )


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    for verb in VERBS:
        assert f"\n  {verb.name} " in page


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_help_with_an_example(verb, capsys):
    assert main([verb.name, "--help"]) == 0
    page = capsys.readouterr().out
    assert f"  Examples:\n    abtest {verb.name}" in page


def test_alone_it_shows_help_and_means_wrong_usage(capsys):
    assert main([]) == 2
    assert "Usage: abtest" in capsys.readouterr().out


def test_an_unknown_verb_is_answered_with_the_nearest(capsys):
    assert main(["chek"]) == 2
    error = capsys.readouterr().err
    assert "There is no verb of this name." in error
    assert "  given: abtest chek" in error
    assert "  to do: Did you mean check?" in error


@pytest.mark.parametrize("arguments", [["check", "--nope"], ["schema", "poem"], ["new"]])
def test_wrong_arguments_are_told_in_three_parts(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"  given: abtest {' '.join(arguments)}" in captured.err
    assert f"  to do: See: abtest {arguments[0]} --help" in captured.err


def test_the_version_is_shown(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("abtest 0.")


@pytest.fixture
def fails(monkeypatch):
    """Make the verb `check` raise what is handed over."""

    def prepare(error):
        def check() -> None:
            """Fail."""
            raise error

        monkeypatch.setattr("abtest.cli.check.check", check)

    return prepare


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("No such thing", given="x", todo="look"), 2),
        (DataError("No such file", given="x", todo="look"), 1),
        (KeyboardInterrupt(), 130),
        (ValueError("boom"), 1),
    ],
)
def test_errors_mean_the_exit_codes_of_the_design(error, code, fails, capsys):
    fails(error)
    assert main(["check"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_traceback_is_shown_with_debug_only(fails, capsys):
    fails(ValueError("boom"))
    assert main(["check", "--debug"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert "abtest failed unexpectedly: ValueError: boom" in error


def test_escape_sequences_in_messages_are_made_visible(fails, capsys):
    fails(UsageError("No such thing", given="\x1b[2J\u202e", todo="look"))
    main(["check"])
    assert "\\x1b[2J\\x202e" in capsys.readouterr().err


def test_python_m_abtest_is_abtest(tmp_path):
    done = run("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "abtest init" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["check"], ["explain", "analysis.alpha"]])
def test_light_verbs_import_nothing_heavy(arguments, tmp_path):
    (tmp_path / "experiments").mkdir()
    code = (
        "import sys; from abtest.cli.app import main; main(sys.argv[1:]); "
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m abtest explain | head -1",
        shell=True, check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr == ""


def test_spec_errors_are_told_in_full(fails, capsys):
    from abtest.errors import Problem

    fails(SpecError((Problem("a.toml", 3, "k", "is wrong", "1", "fix"),)))
    assert main(["check"]) == 1
    assert "a.toml:3: k: is wrong\n  given: 1\n  to do: fix" in capsys.readouterr().err
