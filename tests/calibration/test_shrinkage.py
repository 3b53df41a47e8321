"""Segments whose effects vary by as much as the cell says."""

import numpy as np
import pytest
from calibration.shrinkage import SD, Varying, cells


def test_effects_vary_by_a_multiple_of_the_error_of_a_segment():
    assert Varying(5, 50, 1.0).tau == pytest.approx(np.sqrt(SD**2 / 50 + SD**2 / 50))
    assert Varying(5, 50, 0.0).tau == 0.0


def test_every_interval_of_a_draw_is_counted_once():
    found = {one.method: one for one in Varying(4, 30, 0.5)(np.random.default_rng(1), 40)}
    assert set(found) == {"shrunken effects", "average effect", "variance of effects"}
    for one in found.values():
        assert one.quantity == "coverage"
        assert one.runs == 40
        assert 30 <= one.count <= 40


def test_cells_have_names_of_their_own_and_all_their_units():
    for cell in cells():
        assert sum(cell.sizes) == 2 * cell.simulate.segments * cell.simulate.units
    keys = [cell.key for cell in cells()]
    assert len(set(keys)) == len(keys)
