"""Three complete experiment files, one per shape of data: between them they use every key."""

from __future__ import annotations

EVENTS_EXAMPLE = """\
[experiment]
name = "onboarding_checklist"
title = "Onboarding checklist"
hypothesis = "A checklist brings more new users to their first project within a week."
owner = "growth"
tags = ["onboarding"]
status = "running"
start = 2026-01-05T00:00:00Z
end = 2026-02-02T00:00:00Z
timezone = "Europe/Berlin"

[variants]
control = "control"
treatments = ["checklist"]
allocation = { control = 0.5, checklist = 0.5 }

[[variants.phases]]
from = 2026-01-12T00:00:00Z
allocation = { control = 0.8, checklist = 0.2 }

[data]
kind = "events"
source = "data/onboarding.duckdb"

[data.exposures]
source = "data/clients.csv"
table = "exposures"
unit = "user_id"
variant = "variant"
time = "exposed_at"
ignore_variants = ["", "holdout"]

[data.events]
source = "data/events/*.parquet"
table = "events"
unit = "user_id"
time = "occurred_at"
name = "event"
value = "value"
session = "session_id"

[data.units]
source = "data/users.csv.gz"
table = "users"
unit = "user_id"

[analysis]
alpha = 0.05
power = 0.8
sequential = "fixed"
correction = "bonferroni"
cuped = true
segments = ["platform", "country"]
seed = 0

[[metrics]]
use = "activation"
role = "primary"
mde = 0.05
weight = 2

[[metrics]]
id = "invites_per_user"
title = "Invitations"
description = "Invitations that a new user sends in two weeks."
owner = "growth"
kind = "mean"
event = "invite_sent"
aggregate = "count"
window_days = [0, 14]
direction = "increase"
role = "secondary"
cuped = false

[[metrics]]
id = "actions_per_session"
kind = "ratio"
numerator = { event = "*", aggregate = "count" }
denominator = { event = "session_start", aggregate = "count" }
window_days = [0, 7]
direction = "increase"
role = "guardrail"
margin = 0.08

[[metrics]]
id = "days_to_invite"
kind = "time_to_event"
event = "invite_sent"
window_days = [0, 30]
follow_up_days = 14
direction = "decrease"
role = "secondary"

[[metrics]]
id = "spend_30_days"
kind = "cumulative"
event = "purchase"
aggregate = "sum"
window_days = [0, 30]
direction = "increase"
role = "secondary"

[[metrics]]
id = "median_actions"
kind = "quantile"
quantile = 0.5
event = "*"
aggregate = "count"
window_days = [0, 7]
direction = "increase"
role = "secondary"

[[metrics]]
id = "satisfaction"
kind = "score"
score = "top_box"
scale = [1, 5]
top = 2
event = "survey_answer"
window_days = [0, 14]
direction = "increase"
role = "diagnostic"
"""

EVENTS_LIBRARY = """\
[activation]
kind = "proportion"
description = "Created a first project."
owner = "growth"
event = "project_created"
window_days = [0, 7]
direction = "increase"
"""

FIRST_EVENT_EXAMPLE = """\
[data.exposures]
first_event = "start"
"""

UNITS_EXAMPLE = """\
[experiment]
name = "gate"

[variants]
control = "gate_30"
treatments = ["gate_40"]

[data]
kind = "units"
source = "data/players.csv.gz"
table = "players"
unit = "userid"
variant = "version"
time = "installed_at"
ignore_variants = ["unknown"]
covariates = ["rounds_before"]

[[metrics]]
id = "retention_7"
kind = "proportion"
value = "retention_7"
role = "primary"
direction = "increase"
mde = 0.05
covariates = ["rounds_before", "days_since_install"]
strata = ["country"]

[[metrics]]
id = "rounds_per_day"
kind = "ratio"
numerator = "rounds"
denominator = "days"
role = "secondary"
direction = "increase"
"""

TIMES_EXAMPLE = """\
[[metrics]]
id = "days_to_churn"
kind = "time_to_event"
duration = "days_seen"
observed = "churned"
horizon = 30
role = "secondary"
direction = "increase"
"""

TOTALS_EXAMPLE = """\
[experiment]
name = "screener"

[variants]
control = "control"
treatments = ["screener"]

[data]
kind = "totals"

[data.totals]
source = "data/totals.csv"
table = "totals"
variant = "group"
date = { column = "Date", format = "%a-%b-%d", year = 2014 }
units = "Pageviews"
missing = "skip_day"

[[metrics]]
id = "gross_conversion"
kind = "proportion"
successes = "Enrollments"
trials = "Clicks"
role = "primary"
direction = "decrease"
mde = 0.05

[[metrics]]
id = "revenue"
kind = "mean"
n = "Clicks"
sum = "Revenue"
sum_squares = "RevenueSquares"
role = "guardrail"
direction = "increase"
margin_absolute = 0.25

[[metrics]]
id = "session_length"
kind = "mean"
n = "Clicks"
mean = "MeanLength"
variance = "VarianceOfLength"
role = "diagnostic"
direction = "increase"
"""

TOTALS_FILES_EXAMPLE = """\
[data.totals]
files = { control = "control.csv", screener = "screener.csv" }
"""

EXAMPLES = (
    EVENTS_EXAMPLE,
    UNITS_EXAMPLE,
    TOTALS_EXAMPLE,
    FIRST_EVENT_EXAMPLE,
    TIMES_EXAMPLE,
    TOTALS_FILES_EXAMPLE,
)
"""Where an example of a key is looked for, the first that has it first."""
