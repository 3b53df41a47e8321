"""Simulated experiments as one DuckDB file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from abtest.files import replacing
from abtest.simulate.simulated import Simulated


def write_duckdb(path: Path, experiments: Mapping[str, Simulated]) -> None:
    """Write the tables NAME_users, NAME_exposures and NAME_events of every experiment.

    The file appears whole under its name or not at all; one that was there is replaced.
    """
    with replacing(path) as temporary:
        temporary.unlink()  # DuckDB refuses an empty file
        with duckdb.connect(temporary) as connection:
            for name, simulated in experiments.items():
                for table, rows in simulated.tables().items():
                    connection.from_arrow(rows).create(f"{name}_{table}")
