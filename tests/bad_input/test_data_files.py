"""Files that are not what they should be: refused in three parts, or read for what they are."""

import gzip
import os

import duckdb
import pandas as pd
import pytest

from abtest.errors import DataError

from .conftest import HEADER, as_csv, good_rows, held_open, is_three_parts, units_spec

GOOD = as_csv(good_rows())


def truth(project):
    """What the good table says."""
    [row] = project.analyse(units_spec())["effects"]
    return row


@pytest.mark.parametrize(
    ("content", "meaning"),
    [
        ("\ufeff" + GOOD, "a mark of the byte order"),
        (as_csv(good_rows(), delimiter=";"), "semicolons"),
        (as_csv(good_rows(), delimiter="\t"), "tabs"),
        (GOOD.replace("\n", "\r\n"), "line ends of Windows"),
        (GOOD.replace("\n", "\r"), "line ends of old Macs"),
        (as_csv(good_rows(), quoting=1), "quotes around everything"),
        (GOOD + "\n\n", "empty lines at the end"),
        (GOOD.rstrip("\n"), "no last line end"),
        (as_csv(r._replace(value=f" {r.value} ") for r in good_rows()), "blanks around numbers"),
        (as_csv(r._replace(id=r.id + 0.5) for r in good_rows()), "ids that are not whole"),
        (as_csv(r._replace(id=2**63 + r.id) for r in good_rows()), "ids beyond 64 bits"),
        (as_csv(reversed(good_rows())), "another order"),
    ],
    ids=lambda value: value if len(value) < 40 else "",
)
def test_the_same_table_written_otherwise_gives_the_same_numbers(project, content, meaning):
    del meaning
    project.write("other.csv", content)
    [row] = project.analyse(units_spec("other.csv"))["effects"]
    assert row == truth(project)


def spoiled_gz():
    """A gz that was cut off in the middle of its last block."""
    whole = gzip.compress(as_csv(good_rows(20_000)).encode(), mtime=0)
    return whole[: len(whole) // 2]


def spoiled_parquet():
    """A Parquet file whose pages were overwritten."""
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    whole = frame.astype({"pre": "string"}).to_parquet()
    return whole[:60] + bytes(400) + whole[460:]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.csv", None, "file_missing"),
        ("nothing.csv", b"", "empty_table"),
        ("header.csv", GOOD.splitlines()[0].encode(), "empty_table"),
        ("twice.csv", GOOD.replace("kept", "value", 1).encode(), "duplicate_columns"),
        ("capitals.csv", GOOD.replace("kept", "Value", 1).encode(), "duplicate_columns"),
        ("comment.csv", b"# exported on Monday\n" + GOOD.encode(), "missing_column"),
        ("other.csv", GOOD.replace("variant", "varaint", 1).encode(), "missing_column"),
        ("cut.csv", GOOD[:-30].encode(), "malformed_csv"),
        ("quote.csv", GOOD.encode() + b'9,"old,1,1,,,\n', "malformed_csv"),
        ("wide.csv", GOOD.encode("utf-16"), "not_utf8"),
        ("cut.csv.gz", spoiled_gz(), "damaged_gzip"),
        ("plain.csv.gz", GOOD.encode(), "damaged_gzip"),
        ("not.parquet", GOOD.encode(), "not_parquet"),
        ("nothing.parquet", b"", "not_parquet"),
        ("spoiled.parquet", spoiled_parquet(), "unreadable_data"),
        ("nothing.duckdb", b"", "not_duckdb"),
        ("not.duckdb", GOOD.encode(), "not_duckdb"),
        ("sheet.xlsx", b"PK", "unknown_format"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_a_file_that_cannot_be_read_is_refused(project, command, name, content, code):
    if content is not None:
        project.write(name, content)
    assert project.refusal(units_spec(name)).code == code
    project.add("bad", units_spec(name))
    said = command("check", "--data")
    assert said.code == 1
    assert said.out.startswith("wrong")
    assert is_three_parts(said.err)
    assert name in said.err
    assert str(project.root) not in said.err


def test_a_folder_is_not_a_file(project):
    (project.root / "parts.csv").mkdir()
    error = project.refusal(units_spec("parts.csv"))
    assert (error.code, error.what) == ("file_missing", "This is a folder, not a file")
    assert "parts.csv/" in error.todo


@pytest.mark.platform_specific
@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be read here")
def test_a_file_that_may_not_be_read_is_refused(project):
    (project.root / "units.csv").chmod(0)
    assert project.refusal(units_spec()).code == "unreadable_data"


def test_a_database_that_a_notebook_holds_open_is_told_as_that(project, command):
    path = project.root / "held.duckdb"
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    with duckdb.connect(str(path)) as con:
        con.register("frame", frame)
        con.execute("create table units as select * from frame")
    project.add("bad", units_spec("held.duckdb"))
    with held_open(path):
        said = command("check", "--data")
        assert project.refusal(units_spec("held.duckdb")).code == "database_locked"
    assert said.code == 1
    assert is_three_parts(said.err)
    assert "close the notebook" in said.err
    assert project.analyse(units_spec("held.duckdb"))["effects"] == [truth(project)]


def test_a_view_over_a_table_that_is_gone_is_refused(project):
    with duckdb.connect(str(project.root / "x.duckdb")) as con:
        con.execute("create table gone as select 1 a; create view units as from gone")
        con.execute("drop table gone")
    error = project.refusal(units_spec("x.duckdb"))
    assert (error.code, error.given.split(":")[0]) == ("unreadable_data", "x.duckdb")
    assert "gone" in error.given


@pytest.mark.parametrize("ending", ["csv", "parquet", "duckdb"])
def test_an_empty_table_is_refused_whatever_holds_it(project, ending):
    frame = pd.DataFrame(good_rows(), columns=HEADER).iloc[:0]
    path = project.root / f"empty.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    elif ending == "parquet":
        frame.to_parquet(path)
    else:
        with duckdb.connect(str(path)) as con:
            con.register("frame", frame)
            con.execute("create table units as from frame")
    error = project.refusal(units_spec(path.name))
    assert isinstance(error, DataError)
    assert error.code == "empty_table"
