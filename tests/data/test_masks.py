"""Bits of periods counted in the engine, against counting in Python."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest

from abtest.data import engine, masks


@pytest.mark.parametrize("periods", [1, 2, 61, 62, 63, 130])
def test_bits_are_counted_over_all_words(periods):
    places = {
        "none": [],
        "outside": [-1, periods, periods + 5],
        "ends": [0, periods - 1, periods - 1],
        "some": [place for place in range(0, periods, 3) for _ in range(2)],
        "all": list(range(periods)),
    }
    rows = [(name, place) for name, met in places.items() for place in [*met, -7]]
    table = ibis.memtable(
        pa.table({"name": [name for name, _ in rows], "place": [x for _, x in rows]})
    )
    kept = table.group_by("name").aggregate(**masks.mask_aggregates(table["place"], periods))
    words = {f"mask{i}": kept[f"mask{i}"].fill_null(0) for i in range(masks.words_for(periods))}
    kept = kept.select("name", **words)
    found = engine.connect().to_pyarrow(
        kept.select("name", n=masks.count_bits(kept, 0, periods - 1))
    )
    assert dict(zip(found["name"].to_pylist(), found["n"].to_pylist(), strict=True)) == {
        name: len({place for place in met if 0 <= place < periods}) for name, met in places.items()
    }
