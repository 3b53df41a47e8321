"""Winsorised values: one threshold for all arms, of the units that enter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.data import measure
from abtest.data.request import ColumnValue, EventValue, UnitRequest, Within

SPENT = EventValue(("buy",), "sum", (0, 5))
BEFORE = EventValue(("buy",), "sum", (-5, 0))
QUIET = Within(EventValue(("view",), "any", (-5, 0)), most=0)


def capped(values, share):
    """Values at most their inverted quantile, with the threshold."""
    threshold = np.quantile(values, share, method="inverted_cdf")
    return np.minimum(values, threshold), threshold


@pytest.mark.parametrize("share", [0.6, 0.9, 0.99])
@pytest.mark.parametrize("among", [None, QUIET])
def test_events_are_capped_at_a_quantile_of_the_units_that_enter(kit, tmp_path, share, among):
    request = UnitRequest(
        "spend", (SPENT,), (BEFORE,), matures_after=5, winsorize=share, among=among
    )
    plain = UnitRequest("plain", (SPENT,), (BEFORE,), matures_after=5, among=among)
    log, design = kit.make_log(3, units=400), kit.make_design()
    measured = measure(
        kit.settings,
        [request, plain],
        design,
        root=tmp_path,
        frames=dict(zip(("exposures", "events", "units"), log, strict=True)),
        as_of=kit.as_of,
        now=kit.now,
    )
    units = [
        u
        for u in kit.reference(log[0], log[1], design)[0]
        if not u.crossover
        and u.zero + pd.Timedelta(days=5) <= kit.as_of
        and (among is None or kit.value_of(u, among, "UTC"))
    ]
    columns, thresholds = zip(
        *(
            capped(np.array([kit.value_of(u, value, "UTC") for u in units]), share)
            for value in (SPENT, BEFORE)
        ),
        strict=True,
    )
    cap = measured.caps["spend"]
    assert cap.threshold == thresholds[0]
    assert set(measured.caps) == {"spend"}
    assert sum(cap.above.values()) > 0
    values = np.column_stack(columns)
    for variant in design.variants:
        arm = np.array([u.variant == variant for u in units])
        found = measured.samples("spend", variant)
        total = sum(part.n * part.mean for part in found)
        np.testing.assert_allclose(total, values[arm].sum(axis=0), rtol=1e-10)
        squares = sum(part.m2 + part.n * np.outer(part.mean, part.mean) for part in found)
        np.testing.assert_allclose(squares, values[arm].T @ values[arm], rtol=1e-10)
        spent = np.array([kit.value_of(u, SPENT, "UTC") for u in units])
        assert cap.above[variant] == (spent[arm] > thresholds[0]).sum()
        untouched = sum(part.n * part.mean[0] for part in measured.samples("plain", variant))
        assert untouched == pytest.approx(spent[arm].sum(), rel=1e-10)


def run_units(kit, tmp_path, values, variants, request):
    frame = pd.DataFrame({"variant": variants, "spend": values, "days": 2.0})
    return measure(kit.units_data(), [request], kit.plain(), root=tmp_path, frames=frame)


def test_columns_are_capped_too_and_only_the_numerator_of_a_ratio(kit, tmp_path):
    rng = np.random.default_rng(1)
    values = np.round(rng.lognormal(3.0, 1.5, 2_001), 2)
    variants = rng.choice(["control", "treatment"], 2_001)
    columns = ColumnValue("spend"), ColumnValue("days")
    request = UnitRequest("per_day", columns, winsorize=0.999)
    measured = run_units(kit, tmp_path, values, variants, request)
    expected, threshold = capped(values, 0.999)
    assert measured.caps["per_day"].threshold == threshold
    assert sum(measured.caps["per_day"].above.values()) == (values > threshold).sum() == 2
    for variant in ("control", "treatment"):
        (found,) = measured.samples("per_day", variant)
        here = variants == variant
        assert found.mean == pytest.approx([expected[here].mean(), 2.0], rel=1e-12)
        assert found.m2[0, 0] == pytest.approx(expected[here].var() * here.sum(), rel=1e-10)


def test_nulls_are_no_values_and_ties_at_the_threshold_stay(kit, tmp_path):
    values = [1.0, 2.0, 2.0, np.nan, 2.0, 9.0]
    variants = ["control", "treatment"] * 3
    request = UnitRequest("spend", (ColumnValue("spend"),), winsorize=0.75)
    measured = run_units(kit, tmp_path, values, variants, request)
    assert measured.caps["spend"].threshold == 2.0
    assert measured.caps["spend"].above == {"control": 0, "treatment": 1}
    (found,) = measured.samples("spend", "treatment")
    assert (found.n, found.nulls, found.mean[0]) == (2, 1, 2.0)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_not_hidden_by_a_threshold(kit, tmp_path, value):
    variants = ["control", "treatment"] * 50
    request = UnitRequest("spend", (ColumnValue("spend"),), winsorize=0.9)
    measured = run_units(kit, tmp_path, [value, *range(99)], variants, request)
    assert measured.failures["spend"][0] == "infinite_values"
    assert measured.caps == {}


def test_a_metric_without_any_value_fails_as_it_would(kit, tmp_path):
    request = UnitRequest("spend", (ColumnValue("spend"),), winsorize=0.9)
    measured = run_units(kit, tmp_path, [np.nan] * 4, ["control", "treatment"] * 2, request)
    assert measured.failures["spend"][0] == "all_null"
    assert measured.caps == {}
