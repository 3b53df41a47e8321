"""Analysis of ten million units by ten metrics, against the same sums written by hand."""

import tempfile
from pathlib import Path

import duckdb

import abtest
from benchmarks.timing import Measured, medians

UNITS = 10_000_000
METRICS = 10
RATIO = 2.0
FILE = Path(tempfile.gettempdir()) / "abtest-benchmarks" / f"units_{UNITS}_{METRICS}.parquet"


def generate() -> None:
    """Write the table once: a unit, its variant, and counts, flags and amounts."""
    if FILE.exists():
        return
    FILE.parent.mkdir(parents=True, exist_ok=True)
    kinds = (
        "floor(-ln(1 - random()) * 4)::INTEGER",
        "(random() < 0.3)::INTEGER",
        "CASE WHEN random() < 0.1 THEN round(-ln(1 - random()) * 20, 2) ELSE 0 END",
    )
    columns = ", ".join(f"{kinds[i % 3]} AS m{i}" for i in range(METRICS))
    unfinished = FILE.with_suffix(".partial")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT range AS unit, CASE WHEN random() < 0.5 THEN 'control' ELSE 'new' END"
            f" AS variant, {columns} FROM range({UNITS})) TO '{unfinished}' (FORMAT parquet)"
        )
    unfinished.rename(FILE)


def experiment(unit: bool) -> dict[str, object]:
    """Return the experiment over that table; without `unit` every row is taken for a unit."""
    data = {"kind": "units", "source": str(FILE), "variant": "variant"}
    return {
        "experiment": {
            "name": "ten_million",
            "title": "Ten million units",
            "hypothesis": "It is fast.",
            "owner": "benchmarks",
            "timezone": "UTC",
        },
        "variants": {
            "control": "control",
            "treatments": ["new"],
            "allocation": {"control": 0.5, "new": 0.5},
        },
        "data": data | ({"unit": "unit"} if unit else {}),
        "metrics": [
            {
                "id": f"m{i}",
                "kind": "proportion" if i % 3 == 1 else "mean",
                "value": f"m{i}",
                "direction": "increase",
                "role": "secondary" if i else "primary",
            }
            for i in range(METRICS)
        ],
    }


def sums_by_hand() -> None:
    """Aggregate count, sum and sum of squares of every metric by variant."""
    sums = ", ".join(
        f"count(m{i}), sum(m{i}::DOUBLE), sum(m{i}::DOUBLE * m{i}::DOUBLE)" for i in range(METRICS)
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"SELECT variant, count(*), {sums} FROM '{FILE}' GROUP BY variant"
        ).fetchall()


def sums_and_repeated_units_by_hand() -> None:
    """Aggregate the same, and look for units with more than one row."""
    sums_by_hand()
    with duckdb.connect() as connection:
        connection.execute(
            f"SELECT count(*) FROM (SELECT unit FROM '{FILE}' GROUP BY unit HAVING count(*) > 1)"
        ).fetchall()


def analyze(unit: bool) -> None:
    """Analyse the table with abtest, from the dict to the finished document."""
    _ = abtest.load(experiment(unit)).analyze().document


def row(what: str, own: float, hand: float) -> Measured:
    """Return one comparison."""
    figure = f"{own / hand:.2f} x ({own:.2f} s, by hand {hand:.2f} s)"
    return Measured(what, figure, f"at most {RATIO:.0f} x", own / hand <= RATIO)


def measure() -> list[Measured]:
    """Return the ratios of whole analyses to the bare sums."""
    generate()
    rows, rows_hand, units, units_hand = medians(
        lambda: analyze(unit=False),
        sums_by_hand,
        lambda: analyze(unit=True),
        sums_and_repeated_units_by_hand,
        repeats=5,
    )
    size = f"{UNITS:,} units x {METRICS} metrics from Parquet"
    return [
        row(f"analysis of {size}, over the sums by hand in DuckDB SQL", rows, rows_hand),
        row(
            "the same with a unit column, over the sums and a search for repeated units by hand",
            units,
            units_hand,
        ),
    ]
