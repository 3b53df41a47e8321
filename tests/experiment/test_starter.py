"""What `init` and `new` write is valid, and its data are what they say."""

from __future__ import annotations

import csv
from datetime import date

from abtest.experiment.resolve import resolve
from abtest.experiment.starter import EXAMPLE, METRICS, events_file, example_data, project_files

from .spec_files import put


def test_a_new_file_is_valid_and_warns_only_of_what_is_to_be_written(tmp_path):
    put(tmp_path, events_file("new_one", date(2026, 7, 15)), "new_one")
    resolved = resolve("new_one", root=tmp_path)
    keys = [warning.key for warning in resolved.warnings]
    assert keys == ["experiment.hypothesis", "experiment.owner"]
    assert resolved.spec.experiment.start.isoformat() == "2026-07-20T00:00:00+00:00"
    assert resolved.spec.experiment.end.isoformat() == "2026-08-17T00:00:00+00:00"


def test_the_example_is_valid_without_a_warning(tmp_path):
    put(tmp_path, EXAMPLE, "example", metrics=METRICS)
    assert resolve("example", root=tmp_path).warnings == ()


def test_the_example_data_are_the_same_every_time_and_what_the_file_names():
    exposures, events = example_data()
    assert example_data() == (exposures, events)
    units = list(csv.DictReader(exposures.splitlines()))
    log = list(csv.DictReader(events.splitlines()))
    assert {row["variant"] for row in units} == {"control", "checklist"}
    assert {row["event"] for row in log} == {"session_start", "project_created"}
    assert {row["user_id"] for row in log} <= {row["user_id"] for row in units}
    done = {row["user_id"] for row in log if row["event"] == "project_created"}
    share = {
        variant: sum(row["user_id"] in done for row in units if row["variant"] == variant)
        / sum(row["variant"] == variant for row in units)
        for variant in ("control", "checklist")
    }
    assert share["checklist"] > share["control"] + 0.08


def test_the_data_reach_past_the_last_window():
    _, events = example_data()
    assert max(line.rsplit(",", 1)[1] for line in events.splitlines()[1:]) > "2026-01-26"


def test_a_project_has_experiments_data_and_reports():
    names = [name for name, _ in project_files()]
    assert names[:3] == [
        "experiments/defaults.toml",
        "experiments/metrics.toml",
        "experiments/example/experiment.toml",
    ]
    assert "reports/README.md" in names
