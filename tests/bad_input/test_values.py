"""Values that cannot be computed with: a typed row that says why, and a verdict that admits it."""

import pandas as pd
import pytest

from .conftest import HEADER, Units, as_csv, good_rows, units_spec

LIMITS = ("estimate", "lower", "upper")


def with_values(change):
    """The good table with another value in every row."""
    return as_csv(r._replace(value=change(r)) for r in good_rows())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: "inf" if r.id == 7 else r.value, "infinite_values"),
        (lambda r: "-Infinity" if r.id == 7 else r.value, "infinite_values"),
        (lambda r: "1e400" if r.id == 7 else r.value, "infinite_values"),
        (lambda r: f"{r.value + 1}e200", "values_too_large"),
        (lambda r: "", "all_null"),
        (lambda r: "NA", "all_null"),
        (lambda r: 3, "constant"),
        (lambda r: 0, "constant"),
        (lambda r: 3 + r.id % 2, "constant"),
        (lambda r: 2**63 + r.id % 2, "constant"),
        (lambda r: str(r.value).replace(".", ","), "not_numeric"),
        (lambda r: "12%", "not_numeric"),
        (lambda r: "1 234", "not_numeric"),
        (lambda r: "(5)", "not_numeric"),
        (lambda r: "0x10", "not_numeric"),
        (lambda r: "۱۲", "not_numeric"),
        (lambda r: "?" if r.id == 239 else r.value, "not_numeric"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_a_typed_row(project, change, reason):
    project.write("odd.csv", with_values(change))
    document = project.analyse(units_spec("odd.csv"))
    [row] = document["effects"]
    assert (row["status"], row["reason"], row["outcome"]) == ("not_computed", reason, "unclear")
    assert [row["absolute"][limit] for limit in LIMITS] == [None, None, None]
    assert row["p_value"] is None
    assert document["verdict"] == "inconclusive"
    assert "could not be computed" in document["headline"]
    [said] = [part for part in document["reasons"] if part["code"] == "not_computed"]
    assert said["values"]["reason"] == reason


def test_a_metric_that_cannot_be_computed_is_told_by_check(project, command):
    project.write("odd.csv", with_values(lambda r: "inf"))
    project.add("bad", units_spec("odd.csv"))
    said = command("check", "--data")
    assert said.code == 1
    assert "bad: The metric 'amount' cannot be computed: a value is infinite" in said.err
    assert "given: " in said.err
    assert "to do: " in said.err


def test_one_metric_that_fails_leaves_the_others_as_they_are(project):
    spec = units_spec()
    [alone] = project.analyse(spec)["effects"]
    odd = {**spec["metrics"][0], "id": "odd", "value": "country", "role": "secondary"}
    del odd["mde"]
    missing = {**odd, "id": "missing", "value": "vlaue"}
    spec["metrics"] += [odd, missing]
    rows = project.analyse(spec)["effects"]
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("ok", None),
        ("not_computed", "not_numeric"),
        ("not_computed", "missing_column"),
    ]
    assert rows[0] == alone
    assert rows[2]["reason_values"] == {"column": "vlaue", "nearest": "value"}


def test_an_arm_without_any_value_makes_the_experiment_invalid(project):
    project.write("odd.csv", with_values(lambda r: r.value if r.variant == "old" else ""))
    document = project.analyse(units_spec("odd.csv"))
    assert document["verdict"] == "invalid"
    assert document["headline"].startswith("Invalid: an arm has hardly any unit")
    [row] = document["effects"]
    assert (row["n_control"], row["n_treatment"]) == (120, 0)
    assert row["excluded"]["missing"] == {"old": 0, "new": 120}


def test_words_for_nothing_are_missing_values_and_not_zeros(project):
    words = ("NA", "n/a", "NaN", "NULL", "None", "")
    rows = [r if r.id % 10 else r._replace(value=words[r.id // 10 % 6]) for r in good_rows()]
    project.write("odd.csv", as_csv(rows))
    kept = [r for r in good_rows() if r.id % 10]
    project.write("kept.csv", as_csv(kept))
    [row] = project.analyse(units_spec("odd.csv"))["effects"]
    [expected] = project.analyse(units_spec("kept.csv"))["effects"]
    assert row["absolute"] == expected["absolute"]
    assert row["excluded"]["missing"] == {"old": 24, "new": 0}


def test_negative_values_turn_the_sign_and_nothing_else(project):
    project.write("odd.csv", with_values(lambda r: -r.value))
    [row] = project.analyse(units_spec("odd.csv"))["effects"]
    [base] = project.analyse(units_spec())["effects"]
    assert row["absolute"]["estimate"] == -base["absolute"]["estimate"]
    assert row["absolute"]["lower"] == -base["absolute"]["upper"]
    assert row["p_value"] == base["p_value"]


def proportion(source="odd.csv"):
    """The experiment with a share as its metric."""
    spec = units_spec(source)
    spec["metrics"][0].update(kind="proportion", value="kept")
    return spec


@pytest.mark.parametrize(("word", "status"), [("yes", "not_computed"), ("true", "ok"), (2, None)])
def test_a_share_takes_only_what_is_0_or_1(project, word, status):
    project.write("odd.csv", as_csv(r._replace(kept=word if r.kept else 0) for r in good_rows()))
    [row] = project.analyse(proportion())["effects"]
    assert row["status"] == (status or "not_computed")
    assert row["reason"] == {"yes": "not_numeric", "true": None, 2: "not_binary"}[word]


@pytest.mark.parametrize("always", [0, 1])
def test_a_share_that_never_varies_has_an_interval_that_admits_what_is_not_known(project, always):
    project.write("odd.csv", as_csv(r._replace(kept=always) for r in good_rows()))
    document = project.analyse(proportion())
    [row] = document["effects"]
    assert row["absolute"]["estimate"] == 0
    assert row["absolute"]["lower"] < -0.02
    assert row["absolute"]["upper"] > 0.02
    assert "points" in document["headline"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([r._replace(id=1 if r.id < 9 else r.id) for r in good_rows()], "1 unit has several rows"),
        ([r._replace(id=r.id // 2) for r in good_rows()], "120 units have several rows"),
    ],
)
def test_rows_of_a_unit_that_differ_are_refused(project, rows, expected):
    project.write("odd.csv", as_csv(rows))
    error = project.refusal(units_spec("odd.csv"))
    assert error.code == "conflicting_rows"
    assert expected in error.what
    assert "rows of one unit differ in" in error.given


def test_rows_that_are_there_twice_count_once_and_are_told(project):
    project.write("odd.csv", as_csv([*good_rows(), *good_rows()]))
    document = project.analyse(units_spec("odd.csv"))
    assert document["effects"] == project.analyse(units_spec())["effects"]
    [check] = [check for check in document["checks"] if check["check"] == "duplicates"]
    assert (check["status"], check["values"]["units"]) == ("warn", 240)


def test_ids_that_lost_their_digits_are_refused_and_not_merged(project):
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    frame.assign(id=frame["id"] + 2.0**60).to_parquet(project.root / "ids.parquet")
    assert project.refusal(units_spec("ids.parquet")).code == "conflicting_rows"


@pytest.mark.parametrize("column", ["value", "id"])
def test_integers_beyond_64_bits_are_read_as_they_are(project, column):
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    big = frame["id"].astype("uint64") * 2**40 + 2**63
    frame.assign(**{column: big}).to_parquet(project.root / "big.parquet")
    [row] = project.analyse(units_spec("big.parquet"))["effects"]
    assert row["status"] == "ok"
    if column == "value":
        assert row["control_value"] == pytest.approx(2**63 + 119 * 2**40, rel=1e-9)
        assert row["absolute"]["estimate"] == pytest.approx(2**40, rel=1e-6)


def test_a_column_of_lists_holds_no_numbers(project):
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    frame.assign(value=[[1, 2]] * len(frame)).to_parquet(project.root / "lists.parquet")
    [row] = project.analyse(units_spec("lists.parquet"))["effects"]
    assert (row["status"], row["reason"]) == ("not_computed", "not_numeric")


VARIANTS = {
    "one": [r._replace(variant="old") for r in good_rows()],
    "capitals": [r._replace(variant=str(r.variant).upper()) for r in good_rows()],
    "blank": [r._replace(variant=f"{r.variant} ") for r in good_rows()],
    "null": [r._replace(variant="") for r in good_rows()],
}


@pytest.mark.parametrize(
    ("case", "has"), [("one", "old"), ("capitals", "OLD"), ("blank", "'old '")]
)
def test_a_variant_that_the_data_lack_is_refused_with_what_they_have(project, case, has):
    project.write("odd.csv", as_csv(VARIANTS[case]))
    error = project.refusal(units_spec("odd.csv"))
    assert error.code == "variant_missing"
    assert has in error.given


def test_data_without_any_variant_are_refused(project):
    project.write("odd.csv", as_csv(VARIANTS["null"]))
    assert project.refusal(units_spec("odd.csv")).code == "variant_missing"


@pytest.mark.parametrize(
    ("count", "status", "verdict"), [(2, "warn", None), (60, "fail", "invalid")]
)
def test_variants_that_the_file_lacks_are_counted_and_named(project, count, status, verdict):
    extra = [Units(9000 + n, "OLD", 1, 1, "", 1, "nl") for n in range(count)]
    project.write("odd.csv", as_csv([*good_rows(), *extra]))
    document = project.analyse(units_spec("odd.csv"))
    [check] = [check for check in document["checks"] if check["check"] == "unknown_variant"]
    assert (check["status"], check["values"]["by_variant"]) == (status, {"OLD": count})
    assert verdict in {None, document["verdict"]}
    assert document["effects"][0]["n_control"] == 120
