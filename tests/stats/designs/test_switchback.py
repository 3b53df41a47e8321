"""Switchbacks: with R, block by block, whatever the wash-out, with every assignment counted."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    NotEstimable,
    SwitchbackTable,
    compare_clustered_means,
    compare_means,
    compare_switchback,
    switchback_test,
)

ARMS = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0]
VALUES = [5.0, 7.5, 9.0, 3.0, 8.0, 4.0, 6.0, 7.0, 10.0, 9.5, 4.0, 5.5]
TABLE = SwitchbackTable.from_rows(VALUES, range(12), ARMS)
LEVEL = 0.947  # at which no number of assignments makes a p-value of just 1 - level
SIDES = st.sampled_from(["two-sided", "greater", "less"])
WEIGHTS = st.sampled_from(["size", "equal"])
values = st.lists(st.integers(-20, 20), min_size=24, max_size=24).filter(lambda v: len(set(v)) > 8)
arms = st.permutations(ARMS)


def near(value, rel=1e-9):
    return pytest.approx(value, rel=rel, abs=1e-12)


def rows_of(case):
    """Return the rows of a case: value, period, arm, region, block; one without a value is None."""
    lines = zip(
        case["rows"], case["period"], case["arm"], case["region"], case["block"], strict=True
    )
    return zip(*[(value, *line) for found, *line in lines for value in found], strict=True)


def table_of(case):
    found, periods, treated, regions, blocks = rows_of(case)
    return SwitchbackTable.from_rows(found, periods, treated, regions=regions, blocks=blocks)


def cases(reference):
    for case in reference("switchback")["cases"]:
        for found in case["washouts"]:
            # R's own means have fewer digits there
            yield case, found, 1e-8 if "far from 0" in case["name"] else 1e-9


def test_estimates_and_intervals_agree_with_r(reference):
    for case, found, rel in cases(reference):
        for weights in ("size", "equal"):
            want = found["asymptotic"][weights]
            got = compare_switchback(table_of(case), washout=found["washout"], weights=weights)
            assert got.estimate == near(want["estimate"], rel)
            assert got.df == near(want["df"], rel)
            assert got.p_value == near(want["p_value"], rel)
            assert [got.absolute.lower, got.absolute.upper] == near(
                [want["lower"], want["upper"]], rel
            )
            if "se" in want:
                assert got.estimate / got.statistic == near(want["se"], rel)
            assert [got.n_control, got.n_treatment] == found["asymptotic"]["n"]
            assert got.periods_dropped == found["asymptotic"]["dropped"]
            assert got.clustered_by == ("spells" if found["washout"] else "blocks")
        second = found["second"]
        assert got.periods_dropped == second["dropped"]
        assert got.p_value == near(second["equal_p_value"], rel)


def test_randomisation_agrees_with_r_enumerating_every_assignment(reference):
    for case, found, rel in cases(reference):
        for weights in ("size", "equal"):
            want, second = found[weights], found["second"]
            options = {
                "seed": 1,
                "design": case["design"],
                "washout": found["washout"],
                "weights": weights,
                "confidence_level": LEVEL,
            }
            got = switchback_test(table_of(case), **options)
            assert got.estimate == near(want["estimate"], rel)
            assert got.method == "randomisation_exact"
            assert got.assignments == want["assignments"]
            assert got.p_value == near(want["two"], rel)
            # R's limits are as exact as its bisection
            for limit, name in zip(got.interval, ("lower", "upper"), strict=True):
                known = want.get(name)
                assert limit is None if known is None else limit == near(known, 1e-6)
            for side in ("greater", "less"):
                one = switchback_test(table_of(case), alternative=side, **options)
                assert one.p_value == near(want[side], rel)
                if weights == "equal" and f"equal_{side}" in second:
                    assert one.p_value == near(second[f"equal_{side}"], rel)
                if side == "greater" and "greater_lower" in want:
                    assert one.absolute.lower == near(want["greater_lower"], 1e-6)


def test_the_published_share_of_arrangements(reference):
    case = reference("switchback")["cases"][0]
    got = switchback_test(table_of(case), seed=1, alternative="greater")
    assert round(got.p_value * 462, 9) == 154


def lines_of(found, treated):
    """Return two rows for each of twelve periods."""
    return np.array(found, dtype=float), np.repeat(np.arange(12), 2), np.repeat(treated, 2)


@given(values, arms, st.randoms(), st.integers(0, 24), st.integers(0, 1))
def test_rows_in_any_order_and_sums_of_any_partition_are_one_table(
    found, treated, random, cut, washout
):
    rows = lines_of(found, treated)
    order = random.sample(range(24), 24)
    mixed = [part[order] for part in rows]
    parts = [
        frame.groupby(["period", "arm"], as_index=False).agg(
            n=("value", "size"), total=("value", "sum"), squares=("value", lambda v: (v**2).sum())
        )
        for frame in (
            pd.DataFrame(dict(zip(("value", "period", "arm"), mixed, strict=True))).iloc[piece]
            for piece in (slice(None, cut), slice(cut, None))
        )
    ]
    lines = pd.concat(parts)
    tables = [
        SwitchbackTable.from_rows(*rows),
        SwitchbackTable.from_rows(*mixed),
        SwitchbackTable.from_sums(
            lines["n"], lines["total"], lines["period"], lines["arm"], squares=lines["squares"]
        ),
        SwitchbackTable.from_sums(lines["n"], lines["total"], lines["period"], lines["arm"]),
    ]
    answers = []
    for table in tables:
        try:
            answers.append(compare_switchback(table, washout=washout))
        except NotEstimable as error:
            answers.append(error.code)
    tests = [switchback_test(table, seed=1).p_value for table in tables]
    assert tests == near([tests[0]] * 4)
    for got in answers[1:]:
        if isinstance(answers[0], str):
            assert got == answers[0]
            continue
        assert got.estimate == near(answers[0].estimate)
        assert got.p_value == pytest.approx(answers[0].p_value, rel=1e-9)
    effect = "design_effect_control"
    if not isinstance(answers[0], str) and effect in answers[0].details:
        assert answers[2].details[effect] == near(answers[0].details[effect], 1e-7)


@given(values, arms, SIDES, WEIGHTS, st.integers(0, 1))
def test_the_test_and_its_interval_are_one_and_arms_may_trade_places(
    found, treated, side, weights, washout
):
    options = {"seed": 3, "washout": washout, "weights": weights, "confidence_level": LEVEL}
    table = SwitchbackTable.from_rows(*lines_of(found, treated))
    if len(set(table.treated[table.kept(washout)].tolist())) < 2:
        return
    got = switchback_test(table, alternative=side, **options)
    low, high = got.interval
    excluded = (low is not None and low > 0.0) or (high is not None and high < 0.0)
    assert excluded == (got.p_value < 1.0 - LEVEL)
    assert low is None or low <= got.estimate + 1e-12
    assert high is None or got.estimate <= high + 1e-12
    swapped = {"two-sided": "two-sided", "greater": "less", "less": "greater"}[side]
    back = switchback_test(
        SwitchbackTable.from_rows(*lines_of(found, 1 - np.array(treated))),
        alternative=swapped,
        **options,
    )
    assert back.p_value == near(got.p_value)
    assert back.estimate == near(-got.estimate)


@given(values, arms, st.sampled_from([0.01, 1.0, 250.0]), st.integers(-9, 9), WEIGHTS)
def test_unit_and_level_do_not_matter_and_effects_move_the_interval(
    found, treated, scale, level, weights
):
    rows = lines_of(found, treated)
    want = switchback_test(SwitchbackTable.from_rows(*rows), seed=1, weights=weights)
    moved = scale * (rows[0] + level)
    got = switchback_test(SwitchbackTable.from_rows(moved, *rows[1:]), seed=1, weights=weights)
    assert got.p_value == near(want.p_value)
    more = switchback_test(
        SwitchbackTable.from_rows(rows[0] + 3.0 * rows[2], *rows[1:]), seed=1, weights=weights
    )
    for one, two in zip(more.interval, want.interval, strict=True):
        assert one is None if two is None else one == near(two + 3.0)


@given(values, arms)
def test_without_wash_out_blocks_are_clusters(found, treated):
    rows = lines_of(found, treated)
    got = compare_switchback(SwitchbackTable.from_rows(*rows))
    pairs = [tuple(part[rows[2] == arm] for part in rows[:2]) for arm in (0, 1)]
    want = compare_clustered_means(*pairs)
    assert got.p_value == near(want.p_value)
    assert got.relative.lower == near(want.relative.lower) if want.relative.lower else True
    equal = compare_switchback(SwitchbackTable.from_rows(*rows), weights="equal")
    means = rows[0].reshape(12, 2).mean(axis=1)
    plain = compare_means(*[means[np.array(treated) == arm] for arm in (0, 1)])
    assert equal.p_value == near(plain.p_value)


@given(arms, st.integers(1, 2))
def test_what_is_washed_out_does_not_matter(treated, washout):
    """Also to the data's own difference: the first periods of a spell may be anything."""
    rng = np.random.default_rng(5)
    first = rng.normal(size=12)
    table = SwitchbackTable.from_rows(first, range(12), treated)
    kept = table.kept(washout)
    other = np.where(kept, first, first + 1e3)
    try:
        got = compare_switchback(table, washout=washout)
    except NotEstimable:
        return
    want = compare_switchback(SwitchbackTable.from_rows(other, range(12), treated), washout=washout)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.periods_dropped == 12 - kept.sum()


def test_each_region_switches_by_itself_and_begins_with_a_switch():
    periods = [1, 2, 3, 4, 1, 2, 3, 4]
    treated = [0, 0, 1, 1, 1, 1, 1, 0]
    regions = [("eu", 1)] * 4 + [("eu", 11)] * 4
    table = SwitchbackTable.from_rows(range(8), periods, treated, regions=regions)
    assert table.kept(1).tolist() == [False, True, False, True, False, True, True, False]
    assert len(table.regions) == 2


def test_a_break_at_night_is_time_too():
    """Wash-out is measured in periods of time, whether or not they have rows."""
    table = SwitchbackTable.from_rows([1.0, 2.0, 3.0, 4.0], [1, 10, 11, 20], [0, 0, 1, 1])
    assert table.kept(5).tolist() == [False, True, False, True]
    empty = SwitchbackTable.from_rows([1.0, None, 3.0, 4.0], [1, 2, 3, 4], [0, 1, 0, 0])
    assert empty.kept(1).tolist() == [False, False, False, True]  # an empty period is a switch
    assert empty.nulls == (0, 1)


def test_drawn_assignments_depend_on_the_seed_alone():
    rng = np.random.default_rng(8)
    treated = rng.permutation(np.repeat([0, 1], 15))
    table = SwitchbackTable.from_rows(rng.normal(size=30) + 0.8 * treated, range(30), treated)
    found = {}
    for design in ("complete", "independent"):
        answers = [
            switchback_test(table, seed=seed, design=design, replicates=2000, washout=1)
            for seed in (1, 1, 2)
        ]
        assert answers[0] == answers[1]
        assert answers[0].p_value != answers[2].p_value
        assert answers[0].p_value == pytest.approx(answers[2].p_value, abs=0.04)
        assert answers[0].method == "randomisation"
        assert (answers[0].p_value * (answers[0].assignments + 1) / 2) % 1 == pytest.approx(0.0)
        found[design] = answers[0].p_value
    assert found["complete"] == pytest.approx(found["independent"], abs=0.06)
    pairs = SwitchbackTable.from_rows(rng.normal(size=40), range(40), [0, 1, 1, 0] * 10)
    assert switchback_test(pairs, seed=1, design="pairs", replicates=500).assignments == 500


def test_assignments_of_another_design_may_be_given():
    every = np.array([[(place >> block) & 1 for block in range(12)] for place in range(4096)])
    same = every[every.sum(axis=1) == 6]
    want = switchback_test(TABLE, seed=1)
    got = switchback_test(TABLE, seed=1, design=same)
    assert got.p_value == pytest.approx((924 * want.p_value + 2) / 925)
    assert (got.method, got.seed) == ("randomisation", None)


def test_tests_hold_their_level_with_trend_cycle_and_carry_over_of_noise():
    rng = np.random.default_rng(2)
    found = np.zeros((400, 2))
    for run in range(400):
        treated = rng.permutation(np.repeat([0, 1], 4))
        hours = np.arange(16)
        noise = np.cumsum(rng.normal(size=16)) + 0.3 * hours + np.sin(hours)
        table = SwitchbackTable.from_rows(
            noise, hours, np.repeat(treated, 2), blocks=np.repeat(range(8), 2)
        )
        found[run, 0] = switchback_test(table, seed=1, washout=1).p_value
        found[run, 1] = compare_switchback(table, weights="equal").p_value
    assert (found < 0.1).mean(axis=0) == pytest.approx([0.1, 0.1], abs=0.04)


def test_an_effect_that_carries_over_is_found_by_the_wash_out():
    rng = np.random.default_rng(9)
    treated = rng.permutation(np.repeat([0, 1], 40))
    arm = np.repeat(treated, 4)
    felt = np.where(np.arange(320) % 4 == 0, np.roll(arm, 1), arm)  # one period late
    table = SwitchbackTable.from_rows(
        2.0 * felt + rng.normal(size=320), range(320), arm, blocks=np.arange(320) // 4
    )
    plain, late = compare_switchback(table), compare_switchback(table, washout=1)
    assert plain.estimate < 1.8
    assert late.absolute.lower < 2.0 < late.absolute.upper
    assert late.estimate > plain.estimate


@pytest.mark.parametrize(
    ("rows", "washout", "code"),
    [
        (([], [], []), 0, "too_few_units"),
        (([1.0], [1], [0]), 0, "too_few_units"),
        (([1.0, 2.0], [1, 2], [0, 0]), 0, "too_few_units"),
        (([None, None], [1, 2], [0, 1]), 0, "too_few_units"),
        (([1.0, 2.0, 3.0], [1, 2, 3], [0, 1, 0]), 1, "too_few_units"),
        ((VALUES, range(12), ARMS), 50, "too_few_units"),
        (([3.0] * 12, range(12), ARMS), 0, "constant"),
        (([0.1, 0.3] * 6, np.arange(12) // 2, np.repeat([0, 1, 1, 0, 1, 0], 2)), 0, "constant"),
        (([1.0, math.inf] * 6, range(12), ARMS), 0, "not_finite"),
        (([-1.7e308, 1.7e308] * 6, range(12), ARMS), 0, "not_finite"),
        (([5e-324, 0.0] * 6, range(12), ARMS), 0, "too_small"),
    ],
)
def test_periods_that_cannot_answer_say_why(rows, washout, code):
    for weights in ("size", "equal"):
        for call in (compare_switchback, lambda table, **o: switchback_test(table, seed=1, **o)):
            with pytest.raises(NotEstimable) as caught:
                call(SwitchbackTable.from_rows(*rows), washout=washout, weights=weights)
            assert caught.value.code == code


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ((VALUES, range(11), ARMS), {}),
        ((VALUES[:5], range(12), ARMS), {}),
        ((VALUES, range(12), ARMS[:3]), {}),
        ((["a"] * 12, range(12), ARMS), {}),
        ((VALUES, [0.5] * 12, ARMS), {}),
        ((VALUES, [None] * 12, ARMS), {}),
        ((VALUES, [1e300] * 12, ARMS), {}),
        ((VALUES, pd.date_range("2024-01-01", periods=12), ARMS), {}),
        ((VALUES, range(12), ["a", "b"] * 6), {}),
        ((VALUES, range(12), [0, 2] * 6), {}),
        ((VALUES, range(12), [0, None] * 6), {}),
        ((VALUES, [0] * 12, ARMS), {}),
        ((VALUES, range(12), ARMS), {"regions": ["x"] * 11}),
        ((VALUES, range(12), ARMS), {"regions": [None, "x"] * 6}),
        ((VALUES, range(12), ARMS), {"blocks": ["x"] * 12}),
        ((VALUES, range(12), [0, 1] * 6), {"blocks": ["x", "y"] * 6}),
        (([1, 2], [1, 1], [0, 0]), {"blocks": ["x", "y"]}),
    ],
)
def test_what_is_no_switchback_is_refused(rows, names):
    with pytest.raises(UsageError):
        SwitchbackTable.from_rows(*rows, **names)
    with pytest.raises(UsageError):
        SwitchbackTable.from_sums([1] * len(rows[0]), *rows, **names)


def test_regions_that_switch_together_are_refused():
    twice = [VALUES * 2, [*range(12)] * 2, ARMS * 2]
    regions = ["a"] * 12 + ["b"] * 12
    with pytest.raises(UsageError, match="together"):
        SwitchbackTable.from_rows(*twice, regions=regions)
    twice[2] = ARMS + ARMS[::-1]
    assert len(SwitchbackTable.from_rows(*twice, regions=regions).regions) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"washout": -1},
        {"washout": 0.5},
        {"washout": None},
        {"washout": "1"},
        {"weights": "rows"},
        {"alternative": "up"},
        {"confidence_level": 1.0},
        {"confidence_level": 0.4, "alternative": "less"},
    ],
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(UsageError):
        compare_switchback(TABLE, **options)
    with pytest.raises(UsageError):
        switchback_test(TABLE, seed=1, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"design": "alternating"},
        {"design": "pairs"},  # these arms were not assigned so
        {"design": None},
        {"design": [0, 1] * 6},
        {"design": np.full((100, 12), 2)},
        {"design": np.zeros((100, 11))},
        {"design": np.zeros((0, 12))},
        {"design": [[1, 2], [3]]},
        {"design": [["a"] * 12]},
        {"design": np.eye(12)},  # too few for the level
        {"seed": -1},
        {"seed": 1.5},
        {"replicates": 0},
    ],
)
def test_designs_and_draws_that_are_none_are_refused(options):
    with pytest.raises(UsageError):
        switchback_test(TABLE, **{"seed": 1, **options})


@pytest.mark.parametrize("table", [None, [1.0, 2.0], pd.DataFrame({"a": [1.0]})])
def test_something_else_than_a_table_is_refused(table):
    with pytest.raises(UsageError, match="SwitchbackTable"):
        compare_switchback(table)
    with pytest.raises(UsageError, match="SwitchbackTable"):
        switchback_test(table, seed=1)


def test_sums_that_do_not_fit_are_refused():
    with pytest.raises(UsageError):
        SwitchbackTable.from_sums([1.5] * 12, VALUES, range(12), ARMS)
    with pytest.raises(UsageError):
        SwitchbackTable.from_sums([-1] * 12, VALUES, range(12), ARMS)
    with pytest.raises(UsageError):
        SwitchbackTable.from_sums([1] * 12, VALUES, range(12), ARMS, squares=[0.0] * 12)


def test_arms_that_took_turns_are_said():
    turns = SwitchbackTable.from_rows(VALUES, range(12), [0, 1] * 6)
    assert "arms_alternate" in compare_switchback(turns).warnings
    found = switchback_test(turns, seed=1)
    assert found.warnings == ("arms_alternate",)
    assert "arms_alternate" in str(found)
    assert TABLE.warnings == switchback_test(TABLE, seed=1).warnings == ()
    few = SwitchbackTable.from_rows(VALUES[:6], range(6), [0, 1] * 3)
    assert few.warnings == ()


def test_without_squares_there_is_no_design_effect():
    rows = np.repeat(VALUES, 3), np.repeat(range(12), 3), np.repeat(ARMS, 3)
    full = compare_switchback(SwitchbackTable.from_rows(rows[0] + [0.0, 1.0, -1.0] * 12, *rows[1:]))
    bare = compare_switchback(
        SwitchbackTable.from_sums([3] * 12, 3.0 * np.array(VALUES), range(12), ARMS)
    )
    assert "design_effect_control" in full.details
    assert "design_effect_control" not in bare.details
    assert bare.p_value == pytest.approx(full.p_value, rel=1e-9)


def test_readers_are_told_what_was_left_out():
    late = compare_switchback(TABLE, washout=1)
    drawn = switchback_test(TABLE, seed=1, washout=1)
    for found in (late, drawn):
        for text in (str(found), found._repr_mimebundle_()[0]["text/html"]):
            assert "7 of 12 periods left out" in text
    assert late.to_dict()["periods_dropped"] == 7
    assert "assignments" in str(drawn)
    assert "none left out" in str(compare_switchback(TABLE))
