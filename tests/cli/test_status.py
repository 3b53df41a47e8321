"""`abtest status`: fresh, stale and why, failed, never run; quickly."""

import json
import subprocess
import sys

from abtest.cli.app import main


def lines(capsys):
    """What was printed, by experiment."""
    return {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}


def test_each_experiment_is_fresh_stale_failed_or_never_run(inside, capsys):
    assert main(["status"]) == 0
    said = lines(capsys)
    assert "Up to date" in said["good"]
    assert "Ship" in said["good"]
    assert "Run failed" in said["bad"]
    assert "code cell 3 of 5 raised ValueError" in said["bad"]
    assert "Never run" in said["new"]


def test_a_stale_result_says_why(inside, capsys):
    (inside.root / "units.csv").write_text("variant,clicks\na,7\nb,8\n", "utf-8")
    assert main(["status"]) == 0
    assert "Out of date" in (line := lines(capsys)["good"])
    assert line.endswith("the data changed")


def test_a_result_made_with_as_of_stays_fresh(inside, capsys):
    assert main(["run", "good", "--as-of", "2026-01-31"]) == 0
    capsys.readouterr()
    main(["status"])
    assert "Up to date" in lines(capsys)["good"]


def test_a_failed_run_is_told_with_the_last_good_verdict(inside, capsys):
    inside.use("good", "raises")
    main(["run", "good"])
    capsys.readouterr()
    main(["status"])
    assert "Run failed" in (line := lines(capsys)["good"])
    assert "Ship" in line


def test_an_unreadable_file_is_out_of_date_and_says_why(inside, capsys):
    (inside.root / "experiments" / "good" / "experiment.toml").write_text("[", "utf-8")
    assert main(["status"]) == 0
    assert "the experiment cannot be read now" in lines(capsys)["good"]


def test_json_has_the_same_for_machines(inside, capsys):
    assert main(["status", "--format", "json"]) == 0
    bad, good, new = json.loads(capsys.readouterr().out)
    assert (bad["state"], good["state"], new["state"]) == ("failed", "fresh", "never")
    assert (good["verdict"], good["reason"], good["concluded"]) == ("ship", "", False)
    assert new["verdict"] is None


def test_a_project_without_experiments_says_how_to_start(empty, capsys):
    assert main(["status"]) == 0
    assert "abtest new NAME" in capsys.readouterr().out


def test_status_imports_nothing_that_takes_long(inside):
    code = (
        "import sys\n"
        "from abtest.cli.app import main\n"
        "assert main(['status']) == 0\n"
        "slow = {'papermill', 'nbformat', 'nbconvert', 'nbclient', 'jupyter_client', 'ibis',\n"
        "        'duckdb', 'pandas', 'matplotlib', 'scipy', 'statsmodels', 'rich'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=inside.root)
