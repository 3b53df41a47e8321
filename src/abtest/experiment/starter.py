"""The files that a new project and a new experiment start from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import abtest
from abtest.experiment.spec import title_of
from abtest.experiment.toml_text import quoted

GITIGNORE = ("/reports/*", "!/reports/README.md", "/.abtest/", ".ipynb_checkpoints/")
"""Lines that keep what runs write out of git."""

DEFAULTS = """\
# Merged under every experiment of this project: an experiment's own value wins, a key that
# it leaves out comes from here. Lists replace, tables merge.
# What a key means: abtest explain analysis.alpha

[experiment]
timezone = "UTC"            # calendar days, and times in the data without a zone

[analysis]
alpha = 0.05                # two-sided
power = 0.8
cuped = true                # less variance from values before exposure, where there are any
"""

METRICS = """\
# Metrics defined once. An experiment uses one by its id and says what it is there for:
#
#     [[metrics]]
#     use = "activation"
#     role = "primary"
#     mde = 0.05
#
# A table per metric; its name is the id. Keys are those of [[metrics]]: kind, event,
# window_days, direction and so on, with an optional owner and description. A key beside
# `use` in the experiment replaces the one here.

[activation]
kind = "proportion"
description = "Created a first project in the first week."
owner = "growth"
event = "project_created"
window_days = [0, 7]
direction = "increase"

[sessions_per_unit]
kind = "mean"
description = "Sessions in the first week."
owner = "growth"
event = "session_start"
aggregate = "count"
window_days = [0, 7]
direction = "increase"
"""

EXAMPLE = """\
# A complete experiment on the small invented data in data/. Try: abtest run example

[experiment]
name = "example"
title = "An example: the onboarding checklist"
hypothesis = "A checklist brings more new users to their first project within a week."
owner = "growth"
start = 2026-01-05T00:00:00Z
end = 2026-01-19T00:00:00Z              # end of enrolment

[variants]
control = "control"
treatments = ["checklist"]

[data]
kind = "events"

[data.exposures]                        # one row per unit and exposure
source = "data/example_exposures.csv"
unit = "user_id"
variant = "variant"
time = "exposed_at"

[data.events]                           # one row per event
source = "data/example_events.csv"
unit = "user_id"
time = "occurred_at"
name = "event"

[[metrics]]
use = "activation"                      # defined in experiments/metrics.toml
role = "primary"                        # must improve
mde = 0.2                               # the relative effect the experiment is sized for

[[metrics]]
use = "sessions_per_unit"
role = "guardrail"                      # must not get worse than its margin
margin = 0.15
"""

REPORTS_README = """\
# Reports

What `abtest run` writes: `index.html`, and a folder per experiment with `report.html` to read,
`report.ipynb` to look into, `verdict.json` for machines and `run.json`. All of it can be made
again, so git keeps only this file.
"""

_EVENTS = """\
# {title}
# Every key: abtest explain      In order? abtest check {name}      Judge it: abtest run {name}
{notes}
[experiment]
name = {name_text}
title = {title_text}
hypothesis = {hypothesis}
owner = "TODO"
# tags = ["onboarding"]
start = {start}           # TODO: first moment of enrolment, with its zone
end = {end}             # TODO: end of enrolment
# timezone = "Europe/Berlin"           # calendar days, and times in the data without a zone

[variants]
control = "control"                    # values of the variant column
treatments = [{treatments}]
# allocation = {{ {allocation} }}      # left out: equal shares
{costs}
[data]
kind = "events"                        # finished columns or totals: abtest explain data.kind
source = "data/events.duckdb"          # TODO: DuckDB file, CSV (.gz), Parquet or glob

[data.exposures]                       # who met which variant when
table = "exposures"                    # or, for a file of its own: source = "data/exposures.csv"
unit = "user_id"
variant = "variant"
time = "exposed_at"

[data.events]                          # the event log
table = "events"
unit = "user_id"
time = "occurred_at"
name = "event"
{value}

# [data.units]                         # attributes known before exposure, for segments
# table = "users"
# unit = "user_id"

# [analysis]
# segments = ["platform"]

"""

_METRICS = """\
# A metric decides as primary (must improve by its test) or guardrail (must not get worse than
# its margin); secondary and diagnostic metrics are reported.

[[metrics]]
id = "activation"                      # TODO: the metric that decides
kind = "proportion"                    # or "mean", "ratio"
event = "project_created"              # units with at least one such event ...
window_days = [0, 7]                   # ... in the first seven days after exposure
direction = "increase"                 # which way is good
role = "primary"
mde = 0.05                             # the relative effect the experiment is sized for

[[metrics]]
id = "active_days"
kind = "mean"
event = "*"                            # any event
aggregate = "distinct_days"            # or "count", "any", "sum", "max"
window_days = [0, 7]
direction = "increase"
role = "guardrail"
margin = 0.05                          # the relative loss that is still acceptable
"""


@dataclass(frozen=True)
class Idea:
    """What an experiment is about, as far as it is known when its file is written.

    Attributes
    ----------
    title, hypothesis
        For readers.
    treatments
        Names of the arms beside control.
    notes
        What to look out for, for the head of the file.
    valued
        Whether metrics need the events' value column.
    costly
        Whether metrics need what the arms cost.
    """

    title: str
    hypothesis: str = "TODO: what is expected, and why."
    treatments: tuple[str, ...] = ("treatment",)
    notes: tuple[str, ...] = ()
    valued: bool = False
    costly: bool = False


def events_file(name: str, today: date) -> str:
    """Return a commented, valid experiment file over an event log, from next Monday on."""
    return file_head(name, today, Idea(title_of(name))) + _METRICS


def file_head(name: str, today: date, idea: Idea) -> str:
    """Return the file up to its metrics."""
    arms = ("control", *idea.treatments)
    start = datetime(today.year, today.month, today.day, tzinfo=UTC)
    start += timedelta(days=7 - start.weekday())
    return _EVENTS.format(
        name=name,
        title=idea.title,
        name_text=quoted(name),
        title_text=quoted(idea.title),
        notes="".join(f"#\n# {note}\n" for note in idea.notes),
        hypothesis=quoted(idea.hypothesis),
        treatments=", ".join(map(quoted, idea.treatments)),
        allocation=", ".join(f"{arm} = {share}" for arm, share in _shares(arms)),
        costs=_costs(idea) if idea.costly else "",
        value=f"{'' if idea.valued else '# '}value = {quoted('value')}".ljust(39)
        + "# a number: amounts, answers, durations",
        start=f"{start:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{start + timedelta(weeks=4):%Y-%m-%dT%H:%M:%SZ}",
    )


def _shares(arms: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield equal shares that sum to 1 as they are written: control has what is left."""
    share = round(1 / len(arms), 4)
    yield arms[0], f"{1 - share * (len(arms) - 1):.4g}"
    for arm in arms[1:]:
        yield arm, f"{share:.4g}"


def _costs(idea: Idea) -> str:
    each = ", ".join(f"{arm} = 1.0" for arm in idea.treatments)
    stated = f"cost_per_unit = {{ {each} }}"
    return f"{stated:<38} # TODO: what a unit of the arm costs, in the currency of values\n"


def project_files() -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of every file of a new project, the notebooks included."""
    yield "experiments/defaults.toml", DEFAULTS.encode()
    yield "experiments/metrics.toml", METRICS.encode()
    yield "experiments/example/experiment.toml", EXAMPLE.encode()
    exposures, events = example_data()
    yield "data/example_exposures.csv", exposures.encode()
    yield "data/example_events.csv", events.encode()
    yield "reports/README.md", REPORTS_README.encode()
    folder = shipped("notebooks")
    if folder is not None:
        for notebook in sorted(folder.glob("*.ipynb")):
            yield f"notebooks/{notebook.name}", notebook.read_bytes()


def shipped(folder: str) -> Path | None:
    """Return a folder that the wheel carries, or the repository's own in a source checkout."""
    package = Path(abtest.__file__).parent
    for place in (package / "_project" / folder, package.parents[1] / folder):
        if place.is_dir():
            return place
    return None


def example_data(units: int = 1000, seed: int = 1) -> tuple[str, str]:
    """Return exposures and events of the example as CSV text: a clear gain, no harm.

    Half of the units get the checklist, of whom 45% and not 32% create a project; sessions
    are the same in both arms. Units differ in how often they come.
    """
    draw = random.Random(seed)  # noqa: S311  # invented data, not a secret
    first = datetime(2026, 1, 5, tzinfo=UTC)
    exposures, events = ["user_id,variant,exposed_at"], []
    for number in range(units):
        variant = "checklist" if draw.random() < 0.5 else "control"
        met = first + timedelta(seconds=draw.randrange(14 * 86_400))
        user = f"u{number:04d}"
        exposures.append(f"{user},{variant},{_stamp(met)}")
        for _ in range(1 + round(draw.gammavariate(2, 1.2))):
            events.append((met + timedelta(days=draw.random() * 8), user, "session_start"))
        if draw.random() < (0.45 if variant == "checklist" else 0.32):
            events.append((met + timedelta(days=draw.random() * 6), user, "project_created"))
    rows = [f"{user},{event},{_stamp(time)}" for time, user, event in sorted(events)]
    return "\n".join(exposures) + "\n", "\n".join(["user_id,event,occurred_at", *rows]) + "\n"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
