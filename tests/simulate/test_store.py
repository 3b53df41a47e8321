"""Simulated experiments in a DuckDB file."""

import duckdb
import pytest

from abtest.simulate import demo_worlds, simulate, write_duckdb

SIMULATED = {name: simulate(world, 1) for name, world in demo_worlds(users=200).items()}


def test_the_file_holds_the_tables_of_every_experiment_as_they_were_made(tmp_path):
    path = tmp_path / "data" / "demo.duckdb"
    write_duckdb(path, SIMULATED)
    with duckdb.connect(path, read_only=True) as connection:
        names = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
        assert len(names) == 18
        for name, simulated in SIMULATED.items():
            for table, rows in simulated.tables().items():
                stored = connection.table(f"{name}_{table}").to_arrow_table()
                assert stored.equals(rows.cast(stored.schema))


def test_a_write_that_fails_leaves_the_previous_file_whole(tmp_path):
    path = tmp_path / "demo.duckdb"
    write_duckdb(path, SIMULATED)
    before = path.read_bytes()

    class Broken:
        def tables(self):
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_duckdb(path, {"gamification": SIMULATED["gamification"], "broken": Broken()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
