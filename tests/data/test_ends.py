"""Ends of a log from what its file knows: the same as a look over all rows, or none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from abtest.cohorts import open_log
from abtest.data.ends import Ends, ends_of_complete
from abtest.data.source import open_sources
from abtest.errors import DataError

ROWS = [
    ("a", "open", "2026-01-05 10:00"),
    ("b", "buy", "2026-01-07 09:30"),
    ("a", "x", "2026-01-06"),
]


def write(folder: Path, rows, kind="TIMESTAMP", name="log.parquet") -> str:
    """Write rows of unit, event and time, in groups of two."""
    path = folder / name
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE log (user_id VARCHAR, event VARCHAR, time {kind})")
        if rows:
            connection.executemany("INSERT INTO log VALUES (?, ?, ?)", rows)
        connection.execute(f"COPY log TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2)")
    return str(path)


def ends(folder: Path, path: str) -> Ends | None:
    with open_sources(folder, None, "events") as sources:
        source = sources.open_file(path, None)
        return ends_of_complete(sources, source, source.table, ("user_id", "event", "time"))


def test_a_parquet_file_tells_rows_and_ends(tmp_path):
    first, last = datetime(2026, 1, 5, 10), datetime(2026, 1, 7, 9, 30)
    assert ends(tmp_path, write(tmp_path, ROWS)) == Ends(3, first, last)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_lacks_something_has_to_be_counted(tmp_path, place):
    lacking = tuple(None if i == place else value for i, value in enumerate(ROWS[0]))
    assert ends(tmp_path, write(tmp_path, [*ROWS, lacking])) is None


def test_no_rows_and_times_of_no_calendar_have_no_ends(tmp_path):
    assert ends(tmp_path, write(tmp_path, [])) is None
    assert ends(tmp_path, write(tmp_path, [*ROWS, ("c", "open", "infinity")])) is None
    assert ends(tmp_path, write(tmp_path, [*ROWS, ("c", "open", "290000-01-01")])) is None


def test_other_sources_are_looked_over(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["user_id", "event", "time"])
    frame.to_csv(tmp_path / "log.csv", index=False)
    assert ends(tmp_path, str(tmp_path / "log.csv")) is None


@pytest.mark.parametrize(
    "more",
    [
        [],
        [("c", "open", None)],
        [("", "open", "2026-01-04")],
        [("c", "", "2026-01-09")],
        [("c", "open", "2199-01-01")],
        [("c", "open", "1970-01-01")],
    ],
    ids=["whole", "no time", "no unit", "no event", "future", "long ago"],
)
@pytest.mark.parametrize("as_of", [None, "2026-01-07", "2026-01-07T09:30:00Z"])
@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMPTZ", "VARCHAR"])
def test_a_file_opens_as_its_frame_does(tmp_path, more, as_of, kind):
    path = write(tmp_path, [*ROWS, *more], kind)
    options = {} if as_of is None else {"as_of": as_of}
    rows = pd.DataFrame([*ROWS, *more], columns=["user_id", "event", "time"])
    of_file, of_frame = open_log(path, **options), open_log(pa.Table.from_pandas(rows), **options)
    assert of_file.facts == of_frame.facts
    assert of_file.as_of == of_frame.as_of
    read = [
        log.run(log.events.order_by(["time", "unit"])).select(["unit", "event", "time"]).to_pylist()
        for log in (of_file, of_frame)
    ]
    assert read[0] == read[1]


def test_infinite_moments_are_no_times(tmp_path):
    path = write(
        tmp_path, [*ROWS, ("c", "open", "infinity"), ("c", "x", "-infinity")], "TIMESTAMPTZ"
    )
    facts = open_log(path).facts
    assert (facts.rows, facts.incomplete, facts.last) == (5, 2, datetime(2026, 1, 7, 9, 30))


def test_times_before_all_calendars_are_refused(tmp_path):
    path = write(tmp_path, [*ROWS, ("c", "open", "-infinity")])
    with pytest.raises(DataError) as caught:
        open_log(path)
    assert caught.value.code == "times_out_of_range"
    late = write(tmp_path, [*ROWS, ("c", "open", "infinity")], name="late.parquet")
    assert open_log(late).facts.future == 1
