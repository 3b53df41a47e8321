"""Totals whose numbers cannot be: a typed row or a refusal, never a number made of them."""

import pytest

SPEC = {
    "experiment": {"name": "bad"},
    "variants": {"control": "old", "treatments": ["new"]},
    "data": {"kind": "totals", "totals": {"source": "totals.csv", "variant": "arm"}},
    "metrics": [
        {
            "id": "rate",
            "kind": "proportion",
            "trials": "n",
            "successes": "s",
            "role": "primary",
            "direction": "increase",
            "mde": 0.1,
        }
    ],
}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("old,1000,-1\nnew,1010,140\n", "not_a_count"),
        ("old,1000,1001\nnew,1010,140\n", "successes_above_trials"),
        ("old,1000,many\nnew,1010,140\n", "not_numeric"),
        ("old,1000,\nnew,1010,140\n", "empty_outcomes"),
        ("old,inf,100\nnew,1010,140\n", "infinite_values"),
        ("old,1.000,100\nnew,1.010,140\n", "successes_above_trials"),
        ("old,9223372036854775808,1\nnew,9223372036854775808,1\n", "values_too_large"),
    ],
)
def test_numbers_that_cannot_be_are_a_typed_row(project, rows, reason):
    project.write("totals.csv", "arm,n,s\n" + rows)
    document = project.analyse(SPEC)
    [row] = document["effects"]
    assert (row["status"], row["reason"]) == ("not_computed", reason)
    assert document["verdict"] in {"inconclusive", "invalid"}
    # what is no count says nothing about how units were shared out
    failed = {check["check"] for check in document["checks"] if check["status"] == "fail"}
    assert "sample_ratio" not in failed


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("old,1000,100\n", "variant_missing"),
        ("", "empty_table"),
    ],
)
def test_rows_that_are_missing_are_refused(project, rows, code):
    project.write("totals.csv", "arm,n,s\n" + rows)
    assert project.refusal(SPEC).code == code


def test_a_day_that_is_there_twice_is_refused(project):
    day = "old,2026-01-05,1000,100\nnew,2026-01-05,1010,140\n"
    project.write("totals.csv", "arm,day,n,s\n" + day + day)
    totals = {**SPEC["data"]["totals"], "date": {"column": "day"}}
    error = project.refusal({**SPEC, "data": {"kind": "totals", "totals": totals}})
    assert error.code == "repeated_totals"


@pytest.mark.parametrize(("form", "good"), [("%d/%m/%Y", True), (None, False), ("%q", False)])
def test_days_are_read_as_the_file_says_or_not_at_all(project, form, good):
    project.write("totals.csv", "arm,day,n,s\nold,05/01/2026,1000,100\nnew,05/01/2026,1010,140\n")
    date = {"column": "day"} if form is None else {"column": "day", "format": form}
    totals = {**SPEC["data"]["totals"], "date": date}
    spec = {**SPEC, "data": {"kind": "totals", "totals": totals}}
    if good:
        assert project.analyse(spec)["verdict"] == "ship"
    else:
        assert project.refusal(spec).code == "times_unreadable"
