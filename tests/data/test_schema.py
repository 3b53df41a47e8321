"""What a source looks like, and what is wrong with the names in an experiment file."""

import subprocess
import sys

import pandas as pd
import pytest

from abtest.data import columns, preview, problems
from abtest.errors import DataError

CSV = """id,arm,won,spend,at,note
0012,a,TRUE,1.5,2026-01-05T10:00:00Z,x
0013,b,FALSE,,2026-01-06,"<script>"
0014,b,,2,2026-01-07 10:00:00,
"""


def test_a_preview_tells_types_distinct_values_and_examples(kit, tmp_path):
    seen = preview(kit.write(tmp_path, "x.csv", CSV), root=tmp_path)
    assert seen.rows == 3
    by_name = {column.name: column for column in seen.columns}
    kinds = {name: column.kind for name, column in by_name.items()}
    assert kinds == {
        "id": "text",
        "arm": "text",
        "won": "boolean",
        "spend": "number",
        "at": "time",
        "note": "text",
    }
    assert (by_name["arm"].distinct, by_name["spend"].nulls) == (2, 1)
    assert by_name["note"].examples == ("<script>", "x")
    frame = pd.read_csv(tmp_path / "x.csv", parse_dates=[], dtype={"id": str})
    frame.to_parquet(tmp_path / "x.parquet")
    assert preview("x.parquet", root=tmp_path).columns[3].kind == "number"


def test_a_preview_stops_counting_distinct_values(kit, tmp_path, monkeypatch):
    monkeypatch.setattr("abtest.data.schema.DISTINCT_LIMIT", 5)
    kit.write(tmp_path, "x.csv", "a\n" + "".join(f"{n}\n" for n in range(50)))
    assert preview("x.csv", root=tmp_path).columns[0].distinct == 6


def test_an_empty_file_has_no_preview(kit, tmp_path):
    with pytest.raises(DataError, match="empty"):
        preview(kit.write(tmp_path, "x.csv", "a,b\n"), root=tmp_path)


def test_columns_come_by_role(kit, tmp_path):
    log = kit.make_log(1, units=5)
    frames = dict(zip(("exposures", "events", "units"), log, strict=True))
    found = columns(kit.settings, root=tmp_path, frames=frames)
    assert [column.name for column in found["events"]] == ["unit", "name", "time", "value"]
    assert [column.kind for column in found["events"]] == ["text", "text", "time", "number"]


def test_every_wrong_name_is_a_problem_of_its_own(kit, tmp_path):
    source = kit.write(tmp_path, "x.csv", CSV)
    settings = kit.units_data(source=source, unit="idd", variant="arm", time="att")
    requests = [kit.column("won", "won"), kit.column("spent", "spent", "at")]
    found = problems(settings, requests, kit.plain(segments=("land",)), root=tmp_path)
    assert [error.code for error in found] == ["missing_column"] * 4
    assert [error.todo for error in found[:2]] == ["did you mean id?", "did you mean at?"]
    settings = kit.units_data(source=source, variant="arm")
    assert problems(settings, requests[:1], kit.plain(), root=tmp_path) == ()


def test_a_missing_file_is_one_problem(kit, tmp_path):
    (found,) = problems(kit.units_data(source="y.csv"), [], kit.plain(), root=tmp_path)
    assert found.code == "file_missing"


def test_settings_and_requests_need_no_engine():
    code = (
        "import sys, abtest.data, abtest.data.settings, abtest.data.request, abtest.data.measured;"
        "print([m for m in ('ibis', 'duckdb', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"
