"""Checks over what the data layer counted: each state, at its threshold."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from abtest.checks import Facts
from abtest.checks.allocation_drift import check_allocation_drift
from abtest.checks.counted import check_duplicates, check_future_times, check_late_data
from abtest.checks.crossover import check_crossover
from abtest.checks.exposure_without_events import check_exposure_without_events
from abtest.checks.sample_ratio import check_sample_ratio
from abtest.checks.unknown_variant import check_unknown_variant
from abtest.data.measured import Measured, Tally
from abtest.data.request import Design, Phase

AS_OF = datetime(2026, 1, 19, tzinfo=UTC)


def facts(phases=((0.5, 0.5),), as_of=AS_OF, **counts):
    design = Design("c", ("t",), tuple(Phase(None, shares) for shares in phases), None, None, "UTC")
    measured = Measured(
        as_of=as_of, cells=None, tally=Tally(**counts), first_variant_cells=None, fingerprint="f"
    )
    return Facts(measured, design, ("m",), ("m",))


@pytest.mark.parametrize(
    ("control", "treatment", "status", "p"),
    [
        (44700, 45489, "warn", 0.0086),  # Cookie Cats
        (821588, 815482, "fail", 1.8e-6),  # Kohavi, Tang & Xu 2020, ch. 21
        (5000, 5010, "pass", 0.92),
    ],
)
def test_the_sample_ratio_is_tested_against_the_plan(control, treatment, status, p):
    result = check_sample_ratio(facts(exposed={"c": control, "t": treatment}))
    assert result.status == status
    assert result.p_value == pytest.approx(p, rel=0.02)
    assert result.values["observed"] == {"c": control, "t": treatment}


def test_a_planned_ramp_is_no_mismatch_within_its_phases():
    days = {
        (0, date(2026, 1, 1)): {"c": 9000, "t": 1000},
        (1, date(2026, 1, 2)): {"c": 5000, "t": 5000},
    }
    ramp = facts(
        phases=((0.9, 0.1), (0.5, 0.5)), exposed={"c": 14000, "t": 6000}, exposed_by_day=days
    )
    assert check_sample_ratio(ramp).status == "pass"
    assert check_allocation_drift(ramp) is None  # one day in each phase: nothing to drift
    assert check_sample_ratio(facts(exposed={"c": 14000, "t": 6000})).status == "fail"


def test_drift_of_the_shares_between_days_fails_and_names_the_day():
    steady = {(0, date(2026, 1, day)): {"c": 1000, "t": 1000} for day in range(1, 8)}
    assert check_allocation_drift(facts(exposed_by_day=steady)).status == "pass"
    drifted = steady | {(0, date(2026, 1, 5)): {"c": 1300, "t": 700}}
    result = check_allocation_drift(facts(exposed_by_day=drifted))
    assert result.status == "fail"
    assert result.values["worst_day"] == "2026-01-05"


def test_no_sample_ratio_without_any_unit():
    assert check_sample_ratio(facts(exposed={"c": 0, "t": 0})) is None


EXPOSED = {"c": 10_000, "t": 10_000}


@pytest.mark.parametrize(
    ("crossed", "status", "code"),
    [
        ({}, "pass", "crossover_none"),
        ({"c": 1}, "warn", "crossover_some"),
        ({"c": 100, "t": 100}, "warn", "crossover_some"),  # exactly 1%
        ({"c": 101, "t": 100}, "fail", "crossover_many"),
        ({"c": 60, "t": 10}, "fail", "crossover_unequal"),
    ],
)
def test_crossovers_fail_when_many_or_unequal(crossed, status, code):
    result = check_crossover(facts(exposed=EXPOSED, crossover=crossed))
    assert (result.status, result.code) == (status, code)


@pytest.mark.parametrize(("rows", "status"), [(0, "pass"), (10, "warn"), (11, "fail")])
def test_unknown_variants_fail_above_one_per_cent_of_the_rows(rows, status):
    result = check_unknown_variant(facts(rows=1000, unknown_variant_rows=rows))
    assert result.status == status


def test_silent_units_warn_when_they_fall_on_one_arm():
    equal = facts(exposed=EXPOSED, without_events={"c": 500, "t": 510})
    unequal = facts(exposed=EXPOSED, without_events={"c": 500, "t": 800})
    assert check_exposure_without_events(equal).status == "pass"
    assert check_exposure_without_events(unequal).status == "warn"
    assert check_exposure_without_events(facts(exposed=EXPOSED)) is None


def test_rows_set_aside_are_worth_a_warning_each():
    aside = facts(late_rows=1, future_rows=1, duplicate_event_rows=1)
    for check in (check_late_data, check_future_times, check_duplicates):
        assert check(aside).status == "warn"
        assert check(facts()).status == "pass"
    assert check_late_data(facts(as_of=None)) is None
