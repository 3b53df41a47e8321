"""Tables of comparisons, held against the comparison of each row by itself."""

import math

import pytest

from abtest.stats import NotEstimable


def every_row_agrees(table, rows, single):
    """Assert that each row of a table is what `single(control, treatment, index)` says."""
    assert len(table) == len(rows)
    for index, pair in enumerate(rows):
        want, why = None, "ok"
        try:
            want = single(*pair, index)
        except NotEstimable as error:
            why = error.code
        assert table.status[index] == why
        if want is None:
            for column in (table.estimate, table.lower, table.p_value, table.log10_p):
                assert math.isnan(column[index])
            with pytest.raises(NotEstimable):
                table[index]
            continue
        agree(table[index].to_dict(), want.to_dict())


def agree(got, want):
    """Assert that two results have the same fields, numbers to 1e-9."""
    assert got.keys() == want.keys()
    for name, value in want.items():
        if isinstance(value, dict):
            agree(got[name], value)
        elif isinstance(value, float):
            assert got[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
        else:
            assert got[name] == value, name
