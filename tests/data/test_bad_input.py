"""What cannot be read is refused in three parts, with a code that machines may branch on."""

import gzip
import subprocess
import sys

import pandas as pd
import pytest

from abtest.data import measure
from abtest.errors import DataError

ROWS = "id,variant,v\n" + "".join(
    f"{n},{'control' if n % 2 else 'treatment'},{n}\n" for n in range(50)
)
ZIPPED = gzip.compress((ROWS + ROWS.removeprefix("id,variant,v\n") * 200).encode(), mtime=0)


def code_of(kit, tmp_path, frames=None, **keys):
    design = keys.pop("design", None) or kit.plain()
    with pytest.raises(DataError) as caught:
        measure(
            kit.units_data(**keys), [kit.column("v", "v")], design, root=tmp_path, frames=frames
        )
    error = caught.value
    assert error.what
    assert error.given
    assert error.todo
    assert str(tmp_path) not in str(error)
    return error.code


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("cut.csv.gz", ZIPPED[: len(ZIPPED) // 2], "damaged_gzip"),
        ("tail.csv.gz", ZIPPED[:-6], "damaged_gzip"),
        ("plain.csv.gz", ROWS.encode(), "damaged_gzip"),
        ("nothing.csv", b"", "empty_table"),
        ("header.csv", b"id,variant,v\n", "empty_table"),
        ("long.csv", ROWS.encode() + b"1,control,2,3\n", "malformed_csv"),
        ("short.csv", ROWS.encode() + b"1,control\n", "malformed_csv"),
        ("latin.csv", ROWS.encode() + "é,control,1\n".encode("latin-1"), "not_utf8"),
        ("twice.csv", b"variant,Variant,v\ncontrol,a,1\n", "duplicate_columns"),
        ("bad.parquet", b"hello" * 100, "not_parquet"),
        ("tiny.parquet", b"x", "not_parquet"),
        ("bad.duckdb", b"hello" * 9999, "not_duckdb"),
        ("sheet.xlsx", b"x", "unknown_format"),
        ("other.csv", b"id,arm,v\n1,control,1\n", "missing_column"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(kit, tmp_path, name, content, code):
    assert code_of(kit, tmp_path, source=kit.write(tmp_path, name, content)) == code


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("nowhere.csv", "file_missing"),
        ("part-*.csv", "no_file_matches"),
        (None, "source_missing"),
        ("postgres://host/db", "not_yet"),
        (".", "file_missing"),
    ],
)
def test_a_source_that_is_not_there(kit, tmp_path, source, code):
    assert code_of(kit, tmp_path, source=source) == code


def test_a_table_that_is_not_in_the_database(kit, tmp_path):
    import duckdb

    with duckdb.connect(str(tmp_path / "x.duckdb")) as con:
        con.execute("create table users as select 1 a; create table events as select 1 a")
    with pytest.raises(DataError, match="no such table") as caught:
        measure(kit.units_data(source="x.duckdb", table="user"), [], kit.plain(), root=tmp_path)
    assert "users" in caught.value.todo
    assert code_of(kit, tmp_path, source="x.duckdb") == "table_missing"


def test_a_database_that_a_notebook_holds_open(kit, tmp_path):
    hold = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('create table t as select 1 a'); print('open', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "held.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        try:
            assert code_of(kit, tmp_path, source="held.duckdb", table="t") == "database_locked"
        finally:
            holder.communicate()


def test_a_variant_without_rows_is_refused_with_what_there_is(kit, tmp_path):
    frame = pd.DataFrame({"variant": ["control", "treatmnet"], "v": 1.0})
    with pytest.raises(DataError) as caught:
        measure(kit.units_data(), [], kit.plain(), root=tmp_path, frames=frame)
    assert caught.value.code == "variant_missing"
    assert "treatmnet" in caught.value.todo


@pytest.mark.parametrize(
    "times",
    [
        ["yesterday", "2026-01-01"],
        [1767225600, 1767225600],
        ["01/02/2026", None],
        ["infinity", None],
    ],
)
def test_times_that_cannot_be_read(kit, tmp_path, times):
    frame = pd.DataFrame({"variant": ["control", "treatment"], "v": 1.0, "at": times})
    assert code_of(kit, tmp_path, frames=frame, time="at") == "times_unreadable"


def test_segments_with_too_many_values(kit, tmp_path, monkeypatch):
    monkeypatch.setattr("abtest.data.aggregate.MAX_CELLS", 30)
    frame = pd.DataFrame({"variant": ["control", "treatment"] * 50, "v": 1.0, "s": range(100)})
    design = kit.plain(segments=("s",))
    assert code_of(kit, tmp_path, frames=frame, design=design) == "too_many_segments"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pd.DataFrame({"variant": ["control", 1], "v": [1, 2]}), "mixed_types"),
        ([1, 2], "not_a_frame"),
        (pd.DataFrame([["control", 1, 2]], columns=["variant", "v", "V"]), "duplicate_columns"),
        (pd.DataFrame({"variant": [], "v": []}), "empty_table"),
    ],
)
def test_a_frame_that_is_no_table(kit, tmp_path, frame, code):
    assert code_of(kit, tmp_path, frames=frame) == code


def test_an_unknown_timezone_is_refused(kit, tmp_path):
    frame = pd.DataFrame({"variant": ["control", "treatment"], "v": 1.0, "at": "2026-01-01"})
    design = kit.plain(zone="Europe/Nowhere")
    assert code_of(kit, tmp_path, frames=frame, design=design, time="at") == "unknown_timezone"
