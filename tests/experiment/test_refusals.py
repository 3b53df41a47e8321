"""Every wrong file gets a message with file, line, key, what was given and what to do."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from abtest.errors import SpecError
from abtest.experiment.resolve import resolve

from .spec_files import EVENTS, NAMES, TOTALS, UNITS, changed, put


class Wrong(NamedTuple):
    """One change to a valid file, and the one message that it must give."""

    base: str
    old: str
    new: str
    line: int
    key: str
    what: str
    given: str = ""
    todo: str = ""


TABLE = {
    "unknown key": Wrong(
        EVENTS, "margin = 0.08", "margn = 0.08\nmargin = 0.08", 41,
        "metrics[1].margn", "unknown key", '"margn"', 'Did you mean "margin"',
    ),
    "unknown table": Wrong(
        EVENTS, "[[metrics]]", "[analisis]\nalpha = 0.1\n[[metrics]]", 24,
        "analisis", "unknown key", '"analisis"', 'Did you mean "analysis"',
    ),
    "key in the wrong table": Wrong(
        UNITS, 'name = "cats"', 'name = "cats"\nalpha = 0.1', 3,
        "experiment.alpha", "unknown key", '"alpha"', "It belongs to analysis.",
    ),
    "unknown key in a nested table": Wrong(
        EVENTS, 'time = "occurred_at"', 'time = "occurred_at"\nvaleu = "v"', 22,
        "data.events.valeu", "unknown key", '"valeu"', 'Did you mean "value"',
    ),
    "key of another kind of data": Wrong(
        UNITS, 'unit = "userid"', 'unit = "userid"\nexposures = 1', 12,
        "data.exposures", "unknown key", '"exposures"', "Known here: kind, source, table",
    ),
    "text for a number": Wrong(
        EVENTS, "mde = 0.05", 'mde = "5%"', 31,
        "metrics[0].mde", "must be a number", '"5%"', "without quotes",
    ),
    "number for text": Wrong(
        EVENTS, 'unit = "user_id"', "unit = 3", 15, "data.exposures.unit", "must be text in quotes",
        "3",
    ),
    "a table where text or a table may stand": Wrong(
        UNITS, 'kind = "proportion"\nvalue = "retention_7"',
        'kind = "ratio"\nnumerator = 5\ndenominator = "d"', 17,
        "metrics[0].numerator", "must be a table or text in quotes", "5",
    ),
    "zone-less date": Wrong(
        EVENTS, "start = 2026-01-05T00:00:00Z", "start = 2026-01-05T00:00:00", 3,
        "experiment.start", "has no time zone", "2026-01-05T00:00:00", "2026-01-05T00:00:00Z",
    ),
    "day without time": Wrong(
        EVENTS, "start = 2026-01-05T00:00:00Z", "start = 2026-01-05", 3,
        "experiment.start", "must be a date and time with a zone", "2026-01-05",
    ),
    "date in quotes": Wrong(
        EVENTS, "start = 2026-01-05T00:00:00Z", 'start = "2026-01-05"', 3,
        "experiment.start", "must be a date and time with a zone", '"2026-01-05"', "without quotes",
    ),
    "end before start": Wrong(
        EVENTS, "end = 2026-02-02T00:00:00Z", "end = 2026-01-05T01:00:00+03:30", 4,
        "experiment.end", "must be after start", "end 2026-01-05T01:00:00+03:30",
    ),
    "no start on events": Wrong(
        EVENTS, "start = 2026-01-05T00:00:00Z\n", "", 1,
        "experiment.start", "is missing: events data need it", "", "start = 2026-01-05T00:00:00Z",
    ),
    "unknown zone": Wrong(
        EVENTS, 'name = "checklist"', 'name = "checklist"\ntimezone = "Europe/Berlim"', 3,
        "experiment.timezone", "is not a time zone", '"Europe/Berlim"', '"Europe/Berlin"',
    ),
    "zone that is a path": Wrong(
        EVENTS, 'name = "checklist"', 'name = "checklist"\ntimezone = "../etc/passwd"', 3,
        "experiment.timezone", "is not a time zone",
    ),
    "name with capitals": Wrong(
        EVENTS, 'name = "checklist"', 'name = "Checklist"', 2,
        "experiment.name", "may hold only small letters a-z, digits and underscores or hyphens",
    ),
    "name of another folder": Wrong(
        EVENTS, 'name = "checklist"', 'name = "check_list"', 2,
        "experiment.name", "must be the name of its folder", '"check_list"', '"checklist"',
    ),
    "no name": Wrong(
        EVENTS, 'name = "checklist"\n', "", 1, "experiment.name", "is missing",
        "keys of experiment: start, end", "Add `name`",
    ),
    "unknown status": Wrong(
        EVENTS, 'name = "checklist"', 'name = "checklist"\nstatus = "runing"', 3,
        "experiment.status", "must be one of the words below", '"runing"',
        'Did you mean "running"? Allowed: "running", "concluded".',
    ),
    "no treatment": Wrong(
        EVENTS, '["checklist"]', "[]", 8, "variants.treatments", "must not be empty",
    ),
    "control among treatments": Wrong(
        EVENTS, '["checklist"]', '["checklist", "control"]', 8,
        "variants.treatments", "the control is among them",
    ),
    "treatment twice": Wrong(
        EVENTS, '["checklist"]', '["checklist", "checklist"]', 8,
        "variants.treatments", "a treatment is there twice", '"checklist"',
    ),
    "shares do not sum to 1": Wrong(
        EVENTS, '["checklist"]', '["checklist"]\nallocation = { control = 0.5, checklist = 0.4 }',
        9, "variants.allocation", "the shares must sum to 1", "which sum to 0.9",
    ),
    "share of an unknown variant": Wrong(
        EVENTS, '["checklist"]',
        '["checklist"]\nallocation = { control = 0.5, checklist = 0.4, chekclist = 0.1 }', 9,
        "variants.allocation.chekclist", "is not a variant of this experiment", '"chekclist"',
        'Did you mean "checklist"',
    ),
    "variant without a share": Wrong(
        EVENTS, '["checklist"]', '["checklist"]\nallocation = { control = 1.0 }', 9,
        "variants.allocation", "a variant has no share", "", 'Add the share of "checklist"',
    ),
    "share of nothing": Wrong(
        EVENTS, '["checklist"]', '["checklist"]\nallocation = { control = 1.0, checklist = 0.0 }',
        9, "variants.allocation.checklist", "must be greater than 0", "0.0",
    ),
    "phase before the start": Wrong(
        EVENTS, "[data]\n",
        "[[variants.phases]]\nfrom = 2026-01-05T00:00:00Z\n"
        "allocation = { control = 0.9, checklist = 0.1 }\n[data]\n", 11,
        "variants.phases[0].from", "must be after start",
    ),
    "phase after the end": Wrong(
        EVENTS, "[data]\n",
        "[[variants.phases]]\nfrom = 2026-02-02T00:00:00Z\n"
        "allocation = { control = 0.9, checklist = 0.1 }\n[data]\n", 11,
        "variants.phases[0].from", "must be before the end of the experiment",
    ),
    "phases out of order": Wrong(
        EVENTS, "[data]\n",
        "[[variants.phases]]\nfrom = 2026-01-20T00:00:00Z\n"
        "allocation = { control = 0.9, checklist = 0.1 }\n"
        "[[variants.phases]]\nfrom = 2026-01-10T00:00:00Z\n"
        "allocation = { control = 0.5, checklist = 0.5 }\n[data]\n", 14,
        "variants.phases[1].from", "must be after the phase before it",
    ),
    "phases without times": Wrong(
        UNITS, "[data]\n",
        "[[variants.phases]]\nfrom = 2026-01-20T00:00:00Z\n"
        "allocation = { gate_30 = 0.9, gate_40 = 0.1 }\n[data]\n", 8,
        "variants.phases", "phases need the time of exposure",
    ),
    "unknown kind of data": Wrong(
        UNITS, 'kind = "units"', 'kind = "unit"', 9,
        "data.kind", "unknown kind", '"unit"', 'Did you mean "units"',
    ),
    "no kind of data": Wrong(
        UNITS, 'kind = "units"\n', "", 8, "data.kind", "is missing", "",
        'Allowed: "events", "units", "totals"',
    ),
    "no source": Wrong(
        UNITS, 'source = "data/cats.csv"\n', "", 8,
        "data.source", "is missing: no file is named", "for data",
    ),
    "no clock": Wrong(
        EVENTS, 'time = "exposed_at"\n', "", 13,
        "data.exposures.time", "is missing: nothing says when a unit's clock starts",
    ),
    "two clocks": Wrong(
        EVENTS, 'time = "exposed_at"', 'time = "exposed_at"\nfirst_event = "start"', 17,
        "data.exposures.time", "time and first_event exclude each other",
    ),
    "totals of one variant": Wrong(
        TOTALS, ', screener = "screener.csv"', "", 11,
        "data.totals.files", "must name every variant and no other", '["control"]',
    ),
    "totals without files": Wrong(
        TOTALS, 'files = { control = "control.csv", screener = "screener.csv" }\n', "", 10,
        "data.totals.files", "needs either files (one per variant) or source (all variants)",
        "neither",
    ),
    "CUPED on totals": Wrong(
        TOTALS, "[[metrics]]", "[analysis]\ncuped = true\n[[metrics]]", 16,
        "analysis.cuped", "CUPED is not possible: totals have no values of units", "true",
    ),
    "CUPED without covariates": Wrong(
        UNITS, "mde = 0.05", "mde = 0.05\ncuped = true", 21,
        "metrics[0].cuped", "CUPED is not possible: data.covariates names no pre-exposure column",
    ),
    "a ratio on totals": Wrong(
        TOTALS, 'kind = "proportion"\nsuccesses = "Enrollments"\ntrials = "Clicks"',
        'kind = "ratio"\nnumerator = "Enrollments"\ndenominator = "Clicks"', 17,
        "metrics[0].kind", 'a metric of kind "ratio" cannot be computed from totals data',
    ),
    "a window on units": Wrong(
        UNITS, "mde = 0.05", "mde = 0.05\nwindow_days = [0, 7]", 21,
        "metrics[0].window_days", '"window_days" means nothing',
    ),
    "a window that ends before it starts": Wrong(
        EVENTS, "window_days = [0, 7]", "window_days = [7, 0]", 28,
        "metrics[0].window_days", "must be [start, end] with 0 <= start < end", "[7.0, 0.0]",
    ),
    "a window before exposure": Wrong(
        EVENTS, "window_days = [0, 7]", "window_days = [-7, 0]", 28,
        "metrics[0].window_days", "must be [start, end] with 0 <= start < end",
    ),
    "a window without end": Wrong(
        EVENTS, "window_days = [0, 7]", "window_days = [0, inf]", 28,
        "metrics[0].window_days", "must be [start, end] with 0 <= start < end", "[0.0, inf]",
    ),
    "half a window": Wrong(
        EVENTS, "window_days = [0, 7]", "window_days = [7]", 28,
        "metrics[0].window_days", "must have exactly 2 numbers", "[7]",
    ),
    "a window of three": Wrong(
        EVENTS, "window_days = [0, 7]", "window_days = [0, 7, 14]", 28,
        "metrics[0].window_days", "must have exactly 2 numbers", "[0, 7, 14]",
    ),
    "a deciding metric without a window": Wrong(
        EVENTS, "window_days = [0, 7]\n", "", 24,
        "metrics[0].window_days", "is missing: a metric on events counts in a window",
        'primary "activation"', "window_days = [0, 7]",
    ),
    "sum without values": Wrong(
        EVENTS, 'aggregate = "count"', 'aggregate = "sum"', 37,
        "metrics[1].aggregate", "sum needs the events' value column", "", "data.events.value",
    ),
    "a covariate twice": Wrong(
        UNITS, 'unit = "userid"', 'unit = "userid"\ncovariates = ["rounds", "rounds"]', 12,
        "data.covariates", "a covariate is there twice", '["rounds", "rounds"]',
    ),
    "more covariates than help": Wrong(
        UNITS, "mde = 0.05", f"mde = 0.05\ncovariates = {[f'c{i}' for i in range(21)]}", 21,
        "metrics[0].covariates", "too many covariates", "21", "at most 20",
    ),
    "covariates and no CUPED": Wrong(
        UNITS, "mde = 0.05", 'mde = 0.05\ncuped = false\ncovariates = ["rounds"]', 22,
        "metrics[0].covariates", "exclude each other", '["rounds"]',
    ),
    "an outcome as the metric's own covariate": Wrong(
        UNITS, "mde = 0.05", 'mde = 0.05\ncovariates = ["retention_7"]', 17,
        "metrics[0].value", "is a covariate too", '"retention_7"', "the metric's covariates",
    ),
    "a covariate on an event log that is no metric": Wrong(
        EVENTS, "mde = 0.05", 'mde = 0.05\ncovariates = ["sesions"]', 32,
        "metrics[0].covariates", "is not a metric", '"sesions"', 'Did you mean "sessions"',
    ),
    "its own covariate": Wrong(
        EVENTS, "mde = 0.05", 'mde = 0.05\ncovariates = ["activation"]', 32,
        "metrics[0].covariates", "its own covariate already", '"activation"',
    ),
    "covariates of totals": Wrong(
        TOTALS, "mde = 0.05", 'mde = 0.05\ncovariates = ["Pageviews"]', 23,
        "metrics[0].covariates", "totals have no values of units", '["Pageviews"]',
    ),
    "strata without attributes": Wrong(
        EVENTS, "mde = 0.05", 'mde = 0.05\nstrata = ["country"]', 32,
        "metrics[0].strata", "strata need attributes", '["country"]', "[data.units]",
    ),
    "a stratum twice": Wrong(
        UNITS, "mde = 0.05", 'mde = 0.05\nstrata = ["country", "country"]', 21,
        "metrics[0].strata", "a column is there twice", '["country", "country"]',
    ),
    "an outcome as covariate": Wrong(
        UNITS, 'unit = "userid"', 'unit = "userid"\ncovariates = ["retention_7"]', 18,
        "metrics[0].value", "is a covariate too", '"retention_7"',
    ),
    "no primary": Wrong(
        EVENTS, 'role = "primary"', 'role = "secondary"', 24,
        "metrics", "there is no primary metric", 'roles ["secondary", "guardrail"]',
    ),
    "no metric": Wrong(
        UNITS, UNITS[UNITS.index("[[metrics]]"):], "", 1, "metrics", "there is no metric",
    ),
    "guardrail without a margin": Wrong(
        EVENTS, "margin = 0.08\n", "", 33,
        "metrics[1].margin", "a guardrail needs a margin", 'guardrail "sessions"',
        "margin_absolute",
    ),
    "both margins": Wrong(
        EVENTS, "margin = 0.08", "margin = 0.08\nmargin_absolute = 1.5", 42,
        "metrics[1].margin_absolute", "a metric has one margin",
        "margin 0.08, margin_absolute 1.5",
    ),
    "mde and a margin": Wrong(
        EVENTS, "mde = 0.05", "mde = 0.05\nmargin = 0.1", 31,
        "metrics[0].mde", "mde and a margin exclude each other", "mde 0.05, margin 0.1",
    ),
    "the same id twice": Wrong(
        EVENTS, 'id = "sessions"', 'id = "activation"', 34,
        "metrics[1].id", "is the id of metrics[0] already", '"activation"',
    ),
    "unknown direction": Wrong(
        EVENTS, 'direction = "increase"', 'direction = "up"', 29,
        "metrics[0].direction", "must be one of the words below", '"up"',
        'Allowed: "increase", "decrease".',
    ),
    "no direction": Wrong(
        EVENTS, 'direction = "increase"\n', "", 24,
        "metrics[0].direction", "is missing", "keys of metrics[0]: id, kind", "Which way is good",
    ),
    "alpha of 5": Wrong(
        EVENTS, "[[metrics]]", "[analysis]\nalpha = 5\n[[metrics]]", 25,
        "analysis.alpha", "must be less than 1", "5",
    ),
    "alpha that is no number": Wrong(
        EVENTS, "[[metrics]]", "[analysis]\nalpha = nan\n[[metrics]]", 25,
        "analysis.alpha", "must be a finite number", "nan",
    ),
    "yes for true": Wrong(
        EVENTS, "[[metrics]]", '[analysis]\ncuped = "yes"\n[[metrics]]', 25,
        "analysis.cuped", "must be true or false", '"yes"', "without quotes",
    ),
    "sequential later": Wrong(
        EVENTS, "[[metrics]]", '[analysis]\nsequential = "always_valid"\n[[metrics]]', 25,
        "analysis.sequential", "not yet", '"always_valid"', 'Allowed: "fixed"',
    ),
    "correction later": Wrong(
        EVENTS, "[[metrics]]", '[analysis]\ncorrection = "holm"\n[[metrics]]', 25,
        "analysis.correction", "not yet", '"holm"', 'Allowed: "bonferroni"',
    ),
    "reserved table": Wrong(
        EVENTS, "[[metrics]]", '[decision]\nrule = "x"\n[[metrics]]', 24, "decision", "not yet",
    ),
    "unknown role of events": Wrong(
        EVENTS, "[[metrics]]", '[events]\npurchases = "x"\n[[metrics]]', 25, "events.purchases",
        "unknown key", "purchase",
    ),
    "reserved setting": Wrong(
        EVENTS, "[[metrics]]", "[analysis]\nlooks = [1]\n[[metrics]]", 25, "analysis.looks",
        "not yet",
    ),
    "reserved key of a metric": Wrong(
        EVENTS, "mde = 0.05", "mde = 0.05\ncost = 0.99", 32,
        "metrics[0].cost", "not yet", "0.99",
    ),
    "source by URL": Wrong(
        UNITS, "data/cats.csv", "postgres://me:secret@host/db", 10,
        "data.source", "not yet", '"postgres://..."',
    ),
    "unknown kind of metric": Wrong(
        EVENTS, 'kind = "mean"', 'kind = "meen"', 35,
        "metrics[1].kind", "unknown kind", '"meen"', 'Did you mean "mean"',
    ),
    "use of what is not defined": Wrong(
        EVENTS, 'id = "sessions"', 'use = "sesions"', 34,
        "metrics[1].use", "no metric of this id", '"sesions"', "Define it there as [sesions]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", TABLE.values(), ids=TABLE.keys())
def test_a_wrong_file_gets_exactly_one_message(wrong: Wrong, tmp_path):
    name = NAMES[wrong.base]
    put(tmp_path, changed(wrong.base, wrong.old, wrong.new), name)
    with pytest.raises(SpecError) as caught:
        resolve(name, root=tmp_path)
    (problem,) = caught.value.problems
    assert problem.file == f"experiments/{name}/experiment.toml"
    assert (problem.key, problem.line) == (wrong.key, wrong.line)
    assert wrong.what in problem.what
    assert wrong.given in problem.given
    assert wrong.todo in problem.todo
    assert "Input should" not in str(problem)
    assert "pydantic" not in str(problem).lower()


@pytest.mark.parametrize("text", [EVENTS, UNITS, TOTALS], ids=["events", "units", "totals"])
def test_the_files_that_the_table_changes_are_valid(text, tmp_path):
    put(tmp_path, text, NAMES[text])
    assert resolve(NAMES[text], root=tmp_path).warnings == ()


def test_every_problem_is_told_in_the_order_of_the_file(tmp_path):
    text = changed(EVENTS, "mde = 0.05", "mde = 0")
    text = changed(text, "margin = 0.08\n", "")
    text = changed(text, 'unit = "user_id"', "unit = 1")
    text = changed(text, "end = 2026-02-02T00:00:00Z", "end = 2025-02-02T00:00:00Z")
    put(tmp_path, text, "checklist")
    with pytest.raises(SpecError) as caught:
        resolve("checklist", root=tmp_path)
    keys = [problem.key for problem in caught.value.problems]
    assert keys == ["experiment.end", "data.exposures.unit", "metrics[0].mde", "metrics[1].margin"]


def test_a_misspelt_key_that_is_needed_is_one_mistake(tmp_path):
    put(tmp_path, changed(UNITS, "role = ", "roel = "), "cats")
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    [problem] = caught.value.problems
    assert (problem.key, problem.what) == ("metrics[0].roel", "unknown key")
    assert 'Did you mean "role"?' in problem.todo


def test_where_the_kind_is_missing_the_keys_that_are_there_are_shown(tmp_path):
    put(tmp_path, changed(UNITS, 'kind = "proportion"', 'knid = "proportion"'), "cats")
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    [problem] = caught.value.problems
    assert problem.given == "keys of metrics[0]: id, knid, value, direction, role, mde"


def test_a_password_in_a_source_is_not_repeated(tmp_path):
    put(tmp_path, changed(UNITS, "data/cats.csv", "postgres://me:secret@host/db"), "cats")
    with pytest.raises(SpecError) as caught:
        resolve("cats", root=tmp_path)
    assert "secret" not in str(caught.value)


def test_problems_in_shared_files_name_those_files(tmp_path):
    text = changed(EVENTS, 'id = "sessions"\nkind = "mean"', 'use = "sessions"')
    put(
        tmp_path, text, "checklist",
        defaults="# ours\n[analysis]\nalpha = 2\n",
        metrics='[sessions]\nkind = "mean"\nagregate = "any"\n',
    )  # fmt: skip
    with pytest.raises(SpecError) as caught:
        resolve("checklist", root=tmp_path)
    assert caught.value.what == (
        "2 problems in experiments/defaults.toml and experiments/metrics.toml"
    )
    places = {(p.file, p.line, p.key) for p in caught.value.problems}
    assert places == {
        ("experiments/defaults.toml", 3, "analysis.alpha"),
        ("experiments/metrics.toml", 3, "sessions.agregate"),
    }


def test_a_metric_not_in_the_library_is_answered_with_the_nearest(tmp_path):
    text = changed(EVENTS, 'id = "sessions"', 'use = "sesions"')
    put(tmp_path, text, "checklist", metrics='[sessions]\nkind = "mean"\n[visits]\nkind = "mean"\n')
    with pytest.raises(SpecError) as caught:
        resolve("checklist", root=tmp_path)
    (problem,) = caught.value.problems
    assert problem.todo == 'Did you mean "sessions"?'


def test_a_primary_without_mde_is_a_warning(tmp_path):
    put(tmp_path, changed(EVENTS, "mde = 0.05\n", ""), "checklist")
    (warning,) = resolve("checklist", root=tmp_path).warnings
    assert (warning.key, warning.line) == ("metrics[0].mde", 24)
    assert "primary without mde" in warning.what


def test_a_weight_that_does_nothing_is_a_warning(tmp_path):
    put(tmp_path, EVENTS + "weight = 2\n", "checklist")
    (warning,) = resolve("checklist", root=tmp_path).warnings
    assert (warning.key, warning.line) == ("metrics[1].weight", 42)


def test_a_key_of_one_kind_of_metric_points_to_its_own_explanation(tmp_path):
    score = 'id = "csat"\nkind = "score"\nscore = "top_box"\nscale = [1]\nevent = "answer"\n'
    put(tmp_path, f'{EVENTS}\n[[metrics]]\n{score}window_days = [0, 7]\nrole = "secondary"\n'
        'direction = "increase"\n', "checklist")  # fmt: skip
    with pytest.raises(SpecError) as caught:
        resolve("checklist", root=tmp_path)
    (problem,) = caught.value.problems
    assert problem.todo == "See: abtest explain metrics.scale"
