"""How long `abtest check` takes over a hundred experiment files."""

import sys
import tempfile
from pathlib import Path

from benchmarks.timing import Measured, command, medians

FILES = 100
SECONDS = 1.5
METRICS = """
[activation]
kind = "proportion"
event = "activate"
window_days = [0, 7]
direction = "increase"

[sessions_per_unit]
kind = "mean"
event = "session_start"
aggregate = "count"
window_days = [0, 7]
direction = "increase"
"""
EXPERIMENT = """
[experiment]
name = "{name}"
title = "Onboarding checklist"
hypothesis = "A three-step checklist brings more new users to their first project."
owner = "growth"
start = 2026-01-05T00:00:00Z
end = 2026-02-02T00:00:00Z
timezone = "UTC"

[variants]
control = "control"
treatments = ["checklist"]
allocation = {{ control = 0.5, checklist = 0.5 }}

[data]
kind = "events"
source = "data/log.duckdb"
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

[analysis]
alpha = 0.05

[[metrics]]
use = "activation"
role = "primary"
mde = 0.05

[[metrics]]
use = "sessions_per_unit"
role = "guardrail"
margin = 0.08

[[metrics]]
id = "invites_per_user"
kind = "mean"
event = "invite_sent"
aggregate = "count"
window_days = [0, 14]
direction = "increase"
role = "secondary"
"""


def measure() -> list[Measured]:
    """Return the time of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        experiments = project / "experiments"
        for number in range(FILES):
            name = f"experiment_{number:03}"
            (experiments / name).mkdir(parents=True)
            file = experiments / name / "experiment.toml"
            file.write_text(EXPERIMENT.format(name=name), encoding="utf-8")
        (experiments / "metrics.toml").write_text(METRICS, encoding="utf-8")
        check = command(Path(sys.executable).parent / "abtest", "check", cwd=project)
        (seconds,) = medians(check, repeats=7)
    return [
        Measured(
            f"`abtest check` of {FILES} valid files, the whole process",
            f"{seconds:.2f} s",
            f"at most {SECONDS} s",
            seconds <= SECONDS,
        )
    ]
