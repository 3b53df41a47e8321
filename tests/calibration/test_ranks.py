"""The truths of the populations that ranks are calibrated on."""

from __future__ import annotations

import numpy as np
import pytest
from calibration.ranks import ActiveDays, Normal

from abtest.stats import compare_ranks


@pytest.mark.parametrize(
    "values", [Normal(moved=0.5), Normal(wider=3.0), ActiveDays(), ActiveDays(more=True)]
)
def test_many_units_have_the_index_and_the_shift_of_their_population(values):
    rng = np.random.default_rng(11)
    arms = (values.draw(rng, 20_000, treated=treated).round(2) for treated in (False, True))
    found = compare_ranks(*arms, confidence_level=0.9999)
    assert found.index.lower < values.index < found.index.upper
    assert (values.index == 0.5) == values.null
    if values.shift is not None:
        assert found.shift.lower <= values.shift <= found.shift.upper
