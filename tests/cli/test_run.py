"""`abtest run`: a line with each verdict, the index, the files for CI, the exit codes."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from tests.run.processes import processes_in

from abtest.cli.app import main
from abtest.cli.run import exit_code
from abtest.run import Failure, RunResult


def result(status, verdict="ship", code="cell_raised"):
    """A result for the rule of exit codes."""
    if status in ("done", "reused"):
        return RunResult("x", status, None, {"verdict": verdict, "headline": "h"})
    return RunResult("x", status, None, failure=Failure(code, "w"))


DONE = result("done")
FAILED = result("failed")
UNREAD = result("failed", code="unreadable_experiment")
STOPPED = result("interrupted", code="interrupted")


@pytest.mark.parametrize(
    ("results", "fail_on", "code"),
    [
        ([DONE, result("reused", "invalid")], (), 0),
        ([DONE, FAILED], (), 1),
        ([DONE, result("timeout", code="timeout")], (), 1),
        ([FAILED, result("failed", code="invalid_experiment")], (), 1),
        ([UNREAD, DONE], (), 1),
        ([UNREAD, UNREAD], (), 2),
        ([DONE, result("reused", "invalid")], ("invalid",), 3),
        ([DONE], ("invalid",), 0),
        ([result("done", "invalid"), FAILED], ("invalid",), 1),
        ([DONE, FAILED, STOPPED], ("ship",), 130),
    ],
)
def test_exit_codes(results, fail_on, code):
    assert exit_code(results, frozenset(fail_on)) == code


def test_a_run_says_each_verdict_and_where_the_index_is(inside, capsys):
    assert main(["run"]) == 1
    captured = capsys.readouterr()
    lines = {line.split()[0]: line for line in captured.out.splitlines()}
    assert "Ship good: it works." in lines["good"]
    assert "up to date: spec, data, notebook and versions are unchanged" in lines["good"]
    assert "code cell 3 of 5 raised ValueError" in lines["bad"]
    assert captured.out.splitlines()[-2:] == [
        "3 experiments: 1 reused, 2 failed",
        f"Index: {Path('reports') / 'index.html'}",
    ]
    assert "to do: see where in reports/bad/failed/, its page or notebook" in captured.err
    assert f"  page:  {Path('reports') / 'bad' / 'failed' / 'report.html'}\n" in captured.err
    index = (inside.root / "reports" / "index.html").read_text("utf-8")
    assert "Title of bad" in index
    assert "Title of new" in index
    assert "good/report.html" in index


def test_options_reach_the_run(inside, tmp_path, capsys):
    elsewhere = tmp_path / "elsewhere"
    arguments = ["--force", "--jobs", "1", "--as-of", "2026-01-31", "--timeout", "60"]
    assert main(["run", "good", *arguments, "--output-dir", str(elsewhere)]) == 0
    assert "1 experiment: 1 ran" in capsys.readouterr().out
    assert (elsewhere / "index.html").exists()
    record = inside.json(str(elsewhere), "good", "run.json")
    assert record["key"]["as_of"] == "2026-01-31T00:00:00"


def test_timeout_limits_each_notebook(inside, capsys):
    inside.use("good", "sleeps")
    assert main(["run", "good", "--timeout", "0.5"]) == 1
    assert "out of time" in capsys.readouterr().out


def test_a_verdict_of_fail_on_ends_with_3(inside):
    assert main(["run", "good", "--fail-on", "do_not_ship, ship"]) == 3
    assert main(["run", "good", "--fail-on", "do_not_ship"]) == 0


def test_fail_on_knows_its_verdicts(inside, capsys):
    assert main(["run", "good", "--fail-on", "shipped"]) == 2
    assert "given: shipped" in capsys.readouterr().err


def test_a_mistake_that_several_experiments_share_is_told_in_full_once(empty, capsys):
    for name in ("one", "two"):
        empty.add(name)
    defaults = "[analysis]\nalpah = 1\npowr = 1\n"
    (empty.root / "experiments" / "defaults.toml").write_text(defaults, "utf-8")
    assert main(["run"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("No verdict: 2 problems in experiments/defaults.toml") == 2
    first, _, rest = captured.err.partition("  page:  ")
    assert [line[:35] for line in first.splitlines()] == [
        "one: 2 problems in experiments/defa",
        "  given: experiments/defaults.toml:",
        '      given: "alpah"',
        '      to do: Did you mean "alpha"? ',
        "    experiments/defaults.toml:3: an",
        '      given: "powr"',
        '      to do: Did you mean "power"? ',
        "  to do: correct the file",
    ]
    assert "two: 2 problems in experiments/defaults.toml, as told for one\n" in rest
    assert "alpah" not in rest


@pytest.mark.parametrize(
    "arguments", [["run", "god"], ["run", "--as-of", "soon"], ["run", "--jobs", "0"]]
)
def test_wrong_usage_means_2(inside, arguments, capsys):
    assert main(arguments) == 2
    assert "to do: " in capsys.readouterr().err


def test_a_project_without_experiments_is_wrong_usage(empty, capsys):
    assert main(["run"]) == 2
    assert "abtest new NAME" in capsys.readouterr().err


def test_junit_has_a_case_for_each_experiment(inside):
    assert main(["run", "bad", "good", "--junit", "out/junit.xml", "--fail-on", "ship"]) == 1
    suite = Xml.parse(inside.root / "out" / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("2", "1", "1")
    bad, good = suite.findall("testcase")
    assert (bad.get("name"), bad.find("error").get("type")) == ("bad", "cell_raised")
    assert "boom <b>& more</b>" in bad.find("error").text
    assert good.find("failure").get("message") == "verdict ship: Ship good: it works."
    said = {part.get("name"): part.get("value") for part in good.iter("property")}
    assert said == {"status": "reused", "verdict": "ship", "headline": "Ship good: it works."}


def test_junit_survives_what_xml_cannot_hold(tmp_path):
    from abtest.cli.run_files import write_junit

    document = {"verdict": "ship", "headline": "bell \a, escape \x1b[31m, \ufffe, <&>"}
    write_junit(tmp_path / "j.xml", [RunResult("x", "done", tmp_path, document)], frozenset())
    [case] = Xml.parse(tmp_path / "j.xml").getroot().iter("testcase")
    assert "<&>" in case.find("properties")[2].get("value")


def test_the_summary_is_a_table_in_which_no_text_is_markup(inside, capsys):
    assert main(["run", "bad", "good", "--summary", "summary.md"]) == 1
    text = (inside.root / "summary.md").read_text("utf-8")
    assert "| good | ✓ Ship (reused) | Ship good: it works. |" in text
    assert r"boom \<b\>&amp; more\</b\>" in text
    assert "    code cell 3 of 5 raised ValueError: boom <b>& more</b>" in text


def test_an_interrupted_run_ends_with_130_and_no_process(inside):
    inside.use("new", "sleeps")
    run = subprocess.Popen(
        [sys.executable, "-m", "abtest", "run", "good", "new", "--jobs", "1"],
        cwd=inside.root,
        stdout=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 30
    while not (inside.root / "kernel.json").exists() and time.monotonic() < end:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=20)
    assert run.returncode == 130
    assert "Ship good: it works." in out
    assert "1 interrupted" in out
    assert processes_in(inside.root) == []


@pytest.mark.platform_specific
@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals on Windows")
def test_on_a_terminal_bars_move_and_results_still_go_to_the_file(inside):
    main_end, terminal = pty.openpty()
    with (inside.root / "out.txt").open("wb") as out:
        run = subprocess.Popen(
            [sys.executable, "-m", "abtest", "run", "good", "--force"],
            cwd=inside.root,
            stdout=out,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(terminal)
        shown = b""
        while True:
            try:
                part = os.read(main_end, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(main_end)
    assert run.wait() == 0
    assert re.search(rb"good.*\d/4", shown)
    assert "Ship good: it works." in (inside.root / "out.txt").read_text("utf-8")


def test_an_as_of_in_the_future_is_refused_before_anything_starts(inside, capsys):
    assert main(["run", "good", "--as-of", "2199-01-01"]) == 2
    assert "as_of is in the future" in capsys.readouterr().err
