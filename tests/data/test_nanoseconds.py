"""Times in nanoseconds with a zone, as pandas 2 writes them to Parquet."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

import abtest


def test_zoned_nanoseconds_are_read_as_the_moments_they_are(tmp_path):
    hours = [datetime(2026, 1, 5, 20, 30, tzinfo=UTC).timestamp() + 3600 * i for i in range(40)]
    table = pa.table(
        {
            "id": list(range(40)),
            "arm": ["a", "b"] * 20,
            "at": pa.array([int(h) * 10**9 for h in hours], pa.timestamp("ns", "Asia/Tehran")),
            "v": [float(i % 7) for i in range(40)],
        }
    )
    pq.write_table(table, tmp_path / "units.parquet", version="2.6")
    spec = {
        "experiment": {
            "name": "x",
            "start": datetime(2026, 1, 1, tzinfo=UTC),
            "end": datetime(2026, 1, 7, tzinfo=UTC),
        },
        "variants": {"control": "a", "treatments": ["b"]},
        "data": {
            "kind": "units",
            "source": "units.parquet",
            "unit": "id",
            "variant": "arm",
            "time": "at",
        },
        "metrics": [
            {
                "id": "v",
                "kind": "mean",
                "value": "v",
                "role": "primary",
                "direction": "increase",
                "mde": 0.1,
            }
        ],
    }
    document = abtest.load(spec, root=tmp_path).analyze().to_dict()
    # enrolment ends at 00:00 UTC on the 7th: 27.5 hours after the first, so 28 units enter
    assert sum(arm["units"] for arm in document["variants"]) == 28
    assert document["as_of"] == "2026-01-08T00:00:00+00:00"
