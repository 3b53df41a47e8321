"""Experiment files that tests start from, and the project they are put in.

They are as small as they can be, so that any line may be changed or taken out and one thing is
wrong; the examples that come with abtest use every key instead.
"""

from __future__ import annotations

from pathlib import Path

EVENTS = """\
[experiment]
name = "checklist"
start = 2026-01-05T00:00:00Z
end = 2026-02-02T00:00:00Z

[variants]
control = "control"
treatments = ["checklist"]

[data]
kind = "events"
source = "data/events.duckdb"
[data.exposures]
table = "exposures"
unit = "user_id"
variant = "variant"
time = "exposed_at"
[data.events]
table = "events"
unit = "user_id"
time = "occurred_at"
name = "event"

[[metrics]]
id = "activation"
kind = "proportion"
event = "project_created"
window_days = [0, 7]
direction = "increase"
role = "primary"
mde = 0.05

[[metrics]]
id = "sessions"
kind = "mean"
event = "session"
aggregate = "count"
window_days = [0, 7]
direction = "increase"
role = "guardrail"
margin = 0.08
"""

UNITS = """\
[experiment]
name = "cats"

[variants]
control = "gate_30"
treatments = ["gate_40"]

[data]
kind = "units"
source = "data/cats.csv"
unit = "userid"
variant = "version"

[[metrics]]
id = "retention_7"
kind = "proportion"
value = "retention_7"
direction = "increase"
role = "primary"
mde = 0.05
"""

TOTALS = """\
[experiment]
name = "screener"

[variants]
control = "control"
treatments = ["screener"]

[data]
kind = "totals"
[data.totals]
files = { control = "control.csv", screener = "screener.csv" }
date = { column = "Date", format = "%a-%b-%d", year = 2014 }
missing = "skip_day"

[[metrics]]
id = "gross"
kind = "proportion"
successes = "Enrollments"
trials = "Clicks"
direction = "decrease"
role = "primary"
mde = 0.05
"""

NAMES = {EVENTS: "checklist", UNITS: "cats", TOTALS: "screener"}


def put(root: Path, text: str, name: str, **shared: str) -> Path:
    """Write an experiment file (and defaults or metrics) below `root`; return its path."""
    folder = root / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.toml").write_text(text, "utf-8")
    for file, content in shared.items():
        (root / "experiments" / f"{file}.toml").write_text(content, "utf-8")
    return folder / "experiment.toml"


def changed(text: str, old: str, new: str) -> str:
    """Return `text` with one line changed; `old` must be there."""
    assert old in text, old
    return text.replace(old, new, 1)
