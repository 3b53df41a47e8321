"""The catalogue as a page of the guide."""

from __future__ import annotations

from itertools import groupby

from abtest.experiment.known_metrics import KnownMetric, known_metrics
from abtest.metrics import day_range
from abtest.metrics.roles import NOT_ACTIVITY, EventRoles

_HEAD = """# Metrics of the catalogue

Written by `abtest metrics --markdown`. An experiment on an event log uses any of these by its id:

```toml
[events]                               # what your log calls things, once, also in defaults.toml
active = ["open", "search"]
purchase = "order_paid"

[[metrics]]
use = "retained_week_1"
role = "primary"
mde = 0.05

[[metrics]]
use = "revenue_per_unit"
role = "guardrail"
margin = 0.03
window_days = [0, 14]                  # any key beside `use` replaces the catalogue's
```

All exposed units count, those without activity as 0; windows start at exposure and count days of 24
hours unless they say *calendar*. A project's own `experiments/metrics.toml` comes before the
catalogue. `abtest metrics show ID` tells one metric whole.

"""
_ROLES = """## Roles of events

What `[events]` may name: one event of the log, or a list of events of which each counts. `"*"` is
any event but the `passive` ones, which are things done to units: {passive} unless told otherwise.

| role | which events |
| --- | --- |
"""


def catalogue_page() -> str:
    """Return the page as Markdown: the metrics by section, then the roles of events."""
    parts = [_HEAD]
    for section, found in groupby(known_metrics(None).values(), lambda one: one.entry.section):
        parts.append(f"## {section.capitalize()}\n\n")
        parts += [_told(metric) for metric in found]
    parts.append(_ROLES.format(passive=", ".join(f"`{name}`" for name in NOT_ACTIVITY)))
    for name, field in EventRoles.model_fields.items():
        meaning = " ".join((field.description or "").split())
        parts.append(f"| `{name}` | {meaning} |\n")
    return "".join(parts)


def _told(known: KnownMetric) -> str:
    """Return one metric: its sentence, and what a reader must know of it in a line each."""
    metric, keys = known.definition, known.entry.keys
    assert metric is not None  # the catalogue is valid
    window = day_range(metric.window_days, dates=metric.window == "calendar")
    direction = keys.get("direction", "to be said")
    roles = ", ".join(f"`{role}`" for role in known.entry.roles) or "none"
    return (
        f"### `{known.entry.id}`\n\n{keys['description']}\n\n"
        f"- {metric.kind_name}, {window}; good: {direction}; events: {roles}\n"
        f"- {metric.meaning}\n- {known.entry.edge_cases}\n- {known.entry.source}\n\n"
    )
