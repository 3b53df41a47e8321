"""Choices of another type than they have are refused by name, and not in words of a library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import (
    buying_model,
    churn,
    funnel,
    lifetime_value,
    open_log,
    paths,
    repeat_progression,
    retention,
    rfm,
    sessions,
    tiers,
)
from abtest.errors import DataError, UsageError

LOG = pd.DataFrame(
    {"user_id": [1, 1, 2], "event": ["a", "b", "a"], "value": [1.0, 2.0, 3.0],
     "time": ["2026-01-05", "2026-01-09", "2026-01-20"]}
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (lambda: buying_model(LOG, horizon="30"), "horizon='30'"),
        (lambda: churn(LOG, inactive_days="30"), "inactive_days='30'"),
        (lambda: funnel(LOG, ["a"], within="7d"), "within='7d'"),
        (lambda: lifetime_value(LOG, days="28"), "days='28'"),
        (lambda: lifetime_value(LOG, step="7"), "step='7'"),
        (lambda: paths(LOG, gap_minutes="30"), "gap_minutes='30'"),
        (lambda: repeat_progression(LOG, within_days="30"), "within_days='30'"),
        (lambda: retention(LOG, periods="all"), "periods='all'"),
        (lambda: retention(LOG, confidence_level="95%"), "confidence_level='95%'"),
        (lambda: rfm(LOG, days="365"), "days='365'"),
        (lambda: sessions(LOG, gap_minutes="30m"), "gap_minutes='30m'"),
        (lambda: tiers(LOG, thresholds=[1, 2]), "thresholds=[1, 2]"),
        (lambda: tiers(LOG, thresholds={"gold": "3"}), "thresholds={'gold': '3'}"),
    ],
)
def test_text_where_a_number_stands_is_refused(asked, given):
    with pytest.raises(UsageError, match="cannot be") as caught:
        asked()
    assert (caught.value.code, caught.value.given) == ("bad_choice", given)


def test_numbers_of_numpy_are_numbers():
    found = retention(LOG, periods=np.int64(1), confidence_level=np.float64(0.9))
    assert found.table["period"].max() == 1


def test_numbers_since_1970_are_told_how_to_become_times():
    with pytest.raises(DataError, match="does not hold times") as caught:
        open_log(LOG.assign(time=[1_767_571_200] * 3))
    assert 'pandas.to_datetime(column, unit="s")' in caught.value.todo


def test_exposures_that_are_no_table_are_named():
    with pytest.raises(DataError) as caught:
        open_log(LOG, exposures={"1": "a"})
    assert caught.value.given == "exposures: dict"
