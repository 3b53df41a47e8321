"""`abtest export`: effects as CSV, Parquet and XLSX, harmless in spreadsheets."""

import csv

import openpyxl
import pyarrow.parquet
import pytest

from abtest.cli.app import main
from abtest.cli.export_formats import csv_bytes


def rows_of(path):
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each_effect(inside, capsys):
    assert main(["export", "good"]) == 0
    assert capsys.readouterr().out == "good_effects.csv: 2 effects\n"
    first, second = rows_of(inside.root / "good_effects.csv")
    assert (first["experiment"], first["metric"], first["variant"]) == ("good", "clicks", "b")
    assert float(first["absolute_lower"]) == -0.5
    assert first["relative_lower"] == ""
    assert second["segment_value"] == "'=1+1"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_starts_like_a_formula_is_made_harmless(text):
    line = csv_bytes([{"metric": text, "p_value": -1.0}]).decode().split("\n", 1)[1]
    assert line.lstrip('"').startswith("'")
    assert ",-1.0" in line


def test_xlsx_holds_text_not_formulas(inside):
    assert main(["export", "good", "--output", "out/effects.xlsx"]) == 0
    sheet = openpyxl.load_workbook(inside.root / "out" / "effects.xlsx").active
    header = [cell.value for cell in sheet[1]]
    cell = sheet.cell(3, header.index("segment_value") + 1)
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1", "s", True)
    number = sheet.cell(2, header.index("absolute_lower") + 1)
    assert (number.value, number.data_type) == (-0.5, "n")


def test_parquet_has_typed_columns_also_where_all_is_missing(inside):
    assert main(["export", "good", "--format", "parquet"]) == 0
    table = pyarrow.parquet.read_table(inside.root / "good_effects.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["n_control"] == "int64"
    assert kinds["margin"] == "double"
    assert kinds["segment_value"] == "string"
    assert table.column("segment_value").to_pylist() == [None, "=1+1"]


def test_an_unknown_ending_is_wrong_usage(inside, capsys):
    assert main(["export", "good", "--output", "effects.docx"]) == 2
    assert ".parquet" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_wrong_usage(inside, capsys):
    assert main(["export", "good", "--output", "units.csv/effects.csv"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_without_a_verdict_there_is_nothing_to_export(inside):
    assert main(["export", "new"]) == 1
