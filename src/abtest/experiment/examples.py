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
cost_per_unit = { checklist = 0.1 }
fixed_cost = { checklist = 2500 }

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
id = "event_id"

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

[[analysis.past_segments]]
name = "past_activity"
event = "*"
ignore = ["push_sent"]
aggregate = "distinct_days"
window_days = [-28, 0]
cuts = [1, 8]
labels = ["new", "light", "heavy"]

[[analysis.past_segments]]
name = "past_invites"
metric = "invites_per_user"
cuts = [1]

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
id = "cost_per_invite"
kind = "ratio"
numerator = { event = "push_sent", aggregate = "cost", cost_each = 0.02 }
denominator = { event = "invite_sent", aggregate = "count" }
window_days = [0, 14]
direction = "decrease"
conditional_on_denominator = true
role = "diagnostic"

[[metrics]]
id = "cost_per_user"
kind = "mean"
event = "push_sent"
aggregate = "cost"
cost_each = 0.02
window_days = [0, 14]
direction = "decrease"
role = "diagnostic"

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

ACTIVITY_EXAMPLE = """\
[data.sessions]
by = "events"
gap_minutes = 30
ignore = ["push_sent"]
start = ["app_opened"]
end = ["app_closed"]

[events]
active = ["open", "edit"]
passive = ["push_sent", "email_sent"]
key_action = "key_action"
goal = "goal"
view = "view"
action = "action"
interaction = "interaction"
feature = ["board", "calendar"]
form_start = "form_start"
form_complete = "form_complete"
signup = "signup"
onboarding_complete = "onboarding_complete"
value_perceived = "value_perceived"
value_realised = "value_realised"
cart = "cart"
purchase = "purchase"
refund = "refund"
trial = "trial"
paid = "paid"
renewal = "renewal"
cancel = "cancel"
downgrade = "downgrade"
pause = "pause"
uninstall = "uninstall"
unsubscribe = "unsubscribe"
mute = "mute"
complaint = "complaint"
support_ticket = "support_ticket"
crash = "crash"
latency = "latency"
ad = "ad"
nps = "nps"
csat = "csat"
effort = "effort"
disappointment = "disappointment"

[[metrics]]
use = "power_user"
at_least = 5
at_most = 7
window = "calendar"
window_days = [0, 7]
role = "secondary"

[[metrics]]
id = "four_weeks_in_a_row"
kind = "proportion"
event = "*"
ignore = ["push_sent"]
every_days = 7
window_days = [0, 28]
role = "secondary"
direction = "increase"
among = { event = "open", window_days = [-28, 0], at_least = 1 }

[[metrics]]
id = "adopted"
kind = "proportion"
all = [{ event = "export", window_days = [0, 7] }, { event = "open", at_least = 3 }]
window_days = [0, 28]
role = "secondary"
direction = "increase"

[[metrics]]
id = "bought"
kind = "proportion"
steps = ["view", ["cart", "wish"], "buy"]
window_days = [0, 7]
role = "secondary"
direction = "increase"

[[metrics]]
id = "searches_before_buying"
kind = "quantile"
event = "search"
aggregate = "count"
up_to = "buy"
window_days = [0, 7]
role = "diagnostic"
direction = "decrease"

[[metrics]]
id = "returned_or_bought"
kind = "ratio"
numerator = { aggregate = "engaged_sessions", event = "view", key = "buy", gap_minutes = 60 }
conditional_on_denominator = true
denominator = { all = [{ event = "open" }, { event = "view", at_most = 9, ignore = ["ad"] }] }
window_days = [0, 28]
role = "secondary"
direction = "increase"

[[metrics]]
id = "away"
kind = "mean"
aggregate = "days_between_sessions"
limit_days = 14
gap_minutes = 60
per_day = true
winsorize = 0.999
window_days = [0, 28]
role = "secondary"
direction = "decrease"

[[metrics]]
id = "engaged"
kind = "mean"
aggregate = "engaged_sessions"
event = "view"
key = "purchase"
window_days = [0, 28]
role = "secondary"
direction = "increase"

[[metrics]]
id = "days_until_leaving"
kind = "time_to_event"
event = "open"
inactive_days = 28
window_days = [0, 90]
role = "secondary"
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
    ACTIVITY_EXAMPLE,
    TOTALS_FILES_EXAMPLE,
)
"""Where an example of a key is looked for, the first that has it first."""
