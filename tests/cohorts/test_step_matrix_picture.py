"""The step matrix as a picture: shares of all paths, and how arms differ at each step."""

from __future__ import annotations

import pytest

from abtest.cohorts import paths
from abtest.errors import UsageError


def test_the_picture_of_the_step_matrix_has_its_differences(dirty):
    found = paths(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of, within_days=20)
    rows = found.step_differences[found.step_differences["arm"] == "c"]
    row = rows[(rows["event"] == "open") & (rows["step"] == 2)].iloc[0]
    chart = found.plot_steps("c")
    texts = [text.get_text() for text in chart.axes[0].texts]
    points = f"{abs(100 * row['difference']):.1f}"
    assert any(text.strip("+−*") == points for text in texts)
    assert "c minus control" in chart.caption
    assert f"Of {len(rows)} cells tested together" in chart.caption
    with pytest.raises(UsageError, match="no such treatment"):
        found.plot_steps("z")


def test_without_arms_the_step_matrix_is_shares_of_all_paths(dirty):
    found = paths(dirty.events, as_of=dirty.as_of, steps=3)
    ended = found.steps[(found.steps["step"] == 3) & (found.steps["event"] == "path_end")]
    chart = found.plot_steps()
    assert f"At step 3, {100 * ended['share'].iloc[0]:.1f}% of paths have ended." in chart.alt
