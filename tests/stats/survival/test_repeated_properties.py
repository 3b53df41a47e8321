"""What holds for repeated events: merging, units by hand, sides; and what is refused."""

import math
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import NotEstimable, RepeatedEvents, compare_cumulative_means, cumulative_mean

units = st.tuples(
    st.integers(0, 7), st.lists(st.tuples(st.integers(0, 7), st.integers(-3, 9)), max_size=4)
)
arms = st.lists(units, min_size=3, max_size=20)
GOOD = ([5, 3, 4, 5], [0, 0, 1, 3], [2, 4, 2, 1])
OTHER = ([5, 5, 4, 3], [0, 0, 1, 1, 2, 3], [1, 3, 2, 3, 3, 2])


def columns(rows):
    events = [
        (place, min(moment, end), amount)
        for place, (end, happened) in enumerate(rows)
        for moment, amount in happened
    ]
    table = np.array(events, dtype=float).reshape(-1, 3)
    return np.array([end for end, _ in rows], float), table[:, 0], table[:, 1], table[:, 2]


def by_hand(ends, unit, moments, amounts, until):
    """Return the mean and its variance by a loop over units, as printed."""
    times = np.unique(moments[moments <= until])
    watched = np.array([(ends >= moment).sum() for moment in times])
    steps = np.array([amounts[moments == moment].sum() for moment in times]) / watched
    total = 0.0
    for place, end in enumerate(ends):
        own = np.array([amounts[(unit == place) & (moments == u)].sum() for u in times])
        total += (((own - steps) / watched)[times <= end]).sum() ** 2
    return steps.sum(), total


@given(arms)
def test_means_and_variances_are_those_of_a_loop_over_units(rows):
    made = columns(rows)
    curve = cumulative_mean(made)
    for row, moment in enumerate(curve.times):
        mean, variance = by_hand(*made, moment)
        assert curve.mean[row] == pytest.approx(mean, rel=1e-9, abs=1e-9)
        assert curve.error[row] ** 2 == pytest.approx(variance, rel=1e-7, abs=1e-9)
    assert (curve.lower <= curve.mean).all()
    assert (curve.mean <= curve.upper).all()


@given(arms, st.data())
def test_any_partition_of_units_merges_exactly(rows, data):
    whole = RepeatedEvents.from_values(*columns(rows))
    cut = data.draw(st.integers(0, len(rows)))
    parts = [RepeatedEvents.from_values(*columns(part)) for part in (rows[:cut], rows[cut:])]
    for merged in (parts[0] + parts[1], parts[1] + parts[0]):
        assert merged.times.tolist() == whole.times.tolist()
        assert merged.ended.tolist() == whole.ended.tolist()
        assert merged.by_end.tolist() == whole.by_end.tolist()
        assert merged.products.tolist() == whole.products.tolist()
    again = RepeatedEvents.from_table(whole.times, whole.ended, whole.by_end, whole.products)
    assert cumulative_mean(again).to_dict() == cumulative_mean(whole).to_dict()


@given(arms, arms, st.sampled_from(["two-sided", "greater", "less"]), st.sampled_from([0.8, 0.95]))
def test_swapped_arms_turn_the_sign_and_p_and_intervals_are_one_test(
    first, second, alternative, level
):
    pair = columns(first), columns(second)
    turned = {"greater": "less", "less": "greater"}.get(alternative, alternative)
    asked = {"horizon": 3.0, "confidence_level": level}
    try:
        got = compare_cumulative_means(*pair, alternative=alternative, **asked)
    except NotEstimable:
        return
    back = compare_cumulative_means(*pair[::-1], alternative=turned, **asked)
    assert back.estimate == pytest.approx(-got.estimate, abs=1e-9)
    assert back.p_value == pytest.approx(got.p_value, rel=1e-6)
    summed = compare_cumulative_means(
        *(RepeatedEvents.from_values(*arm) for arm in pair), alternative=alternative, **asked
    )
    assert summed.to_dict() == got.to_dict()
    assume(abs(got.p_value - (1 - level)) > 1e-9)
    lower, upper = got.interval
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 1 - level)


def test_another_unit_of_time_or_money_changes_no_test():
    got = compare_cumulative_means(GOOD, OTHER, horizon=4)
    other = compare_cumulative_means(
        *(
            ([86400 * end for end in ends], unit, [86400 * x for x in moments], [1e9] * len(unit))
            for ends, unit, moments in (GOOD, OTHER)
        ),
        horizon=4 * 86400,
    )
    assert other.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert other.estimate == pytest.approx(1e9 * got.estimate, rel=1e-9)


def test_units_with_many_events_make_errors_larger_than_poisson():
    unit = np.repeat(np.arange(10), 30)
    moments = np.tile(np.arange(1.0, 31.0), 10)
    curve = cumulative_mean((np.full(100, 30.0), unit, moments))
    poisson = math.sqrt(unit.size) / 100
    assert curve.mean[-1] == pytest.approx(3.0)
    assert curve.error[-1] == pytest.approx(0.9)  # a tenth of the units have 30, the others none
    assert curve.error[-1] > 5 * poisson


def test_many_units_on_days_cost_what_the_days_cost():
    rng = np.random.default_rng(5)
    made = []
    for _ in range(2):
        unit = rng.integers(0, 20_000, 60_000)
        ends = rng.integers(10, 90, 20_000)
        moments = np.minimum(rng.integers(0, 90, 60_000), ends[unit])
        part = RepeatedEvents.from_values(ends, unit, moments)
        made.append(sum([part] * 9, part))
    started = time.perf_counter()
    got = compare_cumulative_means(*made, horizon=60.0)
    assert time.perf_counter() - started < 0.1
    assert got.n_control == 200_000


def test_the_test_keeps_its_level_with_units_of_different_rates():
    rng = np.random.default_rng(9)
    runs, rejected, held = 300, 0, 0
    for _ in range(runs):
        pair = []
        for _arm in range(2):
            ends = rng.integers(3, 11, 150).astype(float)
            counts = rng.poisson(rng.gamma(1.0, 0.3, 150) * ends)
            unit = np.repeat(np.arange(150), counts)
            pair.append((ends, unit, np.ceil(rng.random(unit.size) * ends[unit])))
        got = compare_cumulative_means(*pair, horizon=8)
        rejected += got.p_value < 0.05
        curve = cumulative_mean(pair[0]).at(8)
        held += curve.lower <= 0.3 * 8 <= curve.upper
    assert 2 <= rejected <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)
    assert 2 <= runs - held <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (([-1, 2], [0], [0]), "impossible_times"),
        (([1, 2], [0], [-1]), "impossible_times"),
        (([1, 2], [0], [1.5]), "impossible_times"),
        (([1, math.inf], [0], [1]), "not_finite"),
        (([1, 2], [0], [math.inf]), "not_finite"),
        (([1, 2], [0], [1], [math.inf]), "not_finite"),
        (([1, 2], [0], [1], [1e300]), "not_finite"),
        (([1, 2], [0], [1], [1e-300]), "too_small"),
        (([1, 2], [0, 0], [1, 1], [1e308, 1e308]), "not_finite"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows, code):
    for use in (
        lambda: cumulative_mean(rows),
        lambda: compare_cumulative_means(rows, GOOD, horizon=1.0),
    ):
        with pytest.raises(NotEstimable) as error:
            use()
        assert error.value.code == code


@pytest.mark.parametrize(
    "rows",
    [
        ([1, 2], [0, 1], [1]),
        ([1, 2], [2], [1]),
        ([1, 2], [-1], [1]),
        ([1, 2], [0.5], [1]),
        ([1, 2], [None], [1]),
        ([1, 2], ["a"], [1]),
        (["a", "b"], [0], [1]),
        ([[1], [2]], [0], [1]),
        ([1, 2],),
        [1, 2],
        None,
        (np.arange(2001), [0], [0]),
    ],
)
def test_what_is_no_units_and_events_is_refused(rows):
    for use in (
        lambda: cumulative_mean(rows),
        lambda: compare_cumulative_means(rows, GOOD, horizon=1.0),
    ):
        with pytest.raises(UsageError):
            use()


@pytest.mark.parametrize(
    ("table", "error"),
    [
        (([2, 1], [1, 1], np.zeros((2, 2)), np.zeros((2, 2))), UsageError),
        (([1, 1], [1, 1], np.zeros((2, 2)), np.zeros((2, 2))), UsageError),
        (([1, math.nan], [1, 1], np.zeros((2, 2)), np.zeros((2, 2))), UsageError),
        (([1, 2], [1], np.zeros((2, 2)), np.zeros((2, 2))), UsageError),
        (([1, 2], [1, 1], np.zeros((1, 2)), np.zeros((2, 2))), UsageError),
        (([1, 2], [1, 1], "table", np.zeros((2, 2))), UsageError),
        (([1, 2], [1, 1], np.zeros((2, 2)), [[1, 2], [0, 1]]), UsageError),
        (([1, 2], [1, 0.5], np.zeros((2, 2)), np.zeros((2, 2))), NotEstimable),
        (([-1, 2], [1, 1], np.zeros((2, 2)), np.zeros((2, 2))), NotEstimable),
        (([1, 2], [1, 1], [[0, 1], [0, 0]], np.eye(2)), NotEstimable),
        (([1, 2], [1, 1], np.full((2, 2), math.nan), np.eye(2)), NotEstimable),
    ],
)
def test_tables_that_cannot_be_are_refused(table, error):
    with pytest.raises(error):
        RepeatedEvents.from_table(*table)


@pytest.mark.parametrize(
    ("control", "treatment", "horizon", "code"),
    [
        (([1], [], []), GOOD, 1.0, "too_few_units"),
        (([], [], []), GOOD, 1.0, "too_few_units"),
        (([5, 5], [], []), ([5, 5], [], []), 1.0, "no_events"),
        (GOOD, OTHER, 0.5, "no_events"),
        (([5, 5], [0, 1], [1, 1]), ([5, 5], [0, 1], [1, 1]), 2.0, "constant"),
        (GOOD, OTHER, 5.5, "horizon_too_far"),
    ],
)
def test_comparisons_without_an_answer_say_why(control, treatment, horizon, code):
    with pytest.raises(NotEstimable) as error:
        compare_cumulative_means(control, treatment, horizon=horizon)
    assert error.value.code == code


def test_horizons_and_levels_are_checked():
    for arguments in (
        {"horizon": 0.0},
        {"horizon": None},
        {"horizon": 1.0, "alternative": "more"},
        {"horizon": 1.0, "confidence_level": 95},
    ):
        with pytest.raises(UsageError):
            compare_cumulative_means(GOOD, OTHER, **arguments)
    for moment in (-1.0, 5.5, math.nan, None, True, "1"):
        with pytest.raises(UsageError):
            cumulative_mean(GOOD).at(moment)


def test_units_with_a_null_are_left_out_with_their_events():
    sample = RepeatedEvents.from_values(
        [5, None, 4, 3, 2], [0, 1, 2, 3, 4], [1, 1, None, 2, 2], [1, 1, 1, math.nan, 7]
    )
    assert (sample.n, sample.nulls) == (2, 3)
    assert sample.by_end.sum() == 8.0
    with pytest.raises(NotEstimable, match="no units"):
        cumulative_mean(([math.nan], [], []))


def test_results_show_themselves():
    curve = cumulative_mean(GOOD)
    assert "per unit" in str(curve)
    assert "watched" in curve._repr_mimebundle_()[0]["text/html"]
    assert len(curve.table) == len(curve.to_dict()["mean"]) == curve.times.size
    assert curve.at(0.5).estimate == 0.0
    assert curve.at(2.5).estimate == pytest.approx(0.75)
    result = compare_cumulative_means(GOOD, OTHER, horizon=4)
    assert str(result).startswith("Per unit up to 4:")
    assert "lawless_nadeau" in result._repr_mimebundle_()[0]["text/html"]
    assert result.to_dict()["details"]["watched_control"] == 3.0


def test_times_after_the_last_unit_left_say_nothing():
    amounts = [[0, 0, 0], [4, 3, 0], [0, 0, 0]]
    products = [[6, 2, 0], [2, 3, 0], [0, 0, 0]]
    longer = RepeatedEvents.from_table([1, 2, 3], [0, 9, 0], amounts, products)
    same = RepeatedEvents.from_table([1, 2], [0, 9], [[0, 0], [4, 3]], [[6, 2], [2, 3]])
    assert longer.times.tolist() == same.times.tolist() == [1.0, 2.0]
    assert cumulative_mean(longer).mean.tolist() == cumulative_mean(same).mean.tolist()
    products[2][2] = 1
    with pytest.raises(NotEstimable, match="after their units were last seen"):
        RepeatedEvents.from_table([1, 2, 3], [0, 9, 0], amounts, products)


def test_a_refund_on_the_same_day_leaves_nothing():
    sample = RepeatedEvents.from_values([3, 3, 3], [0, 0], [1, 1], [9.5, -9.5])
    assert not sample.products.any()
    assert cumulative_mean(sample).mean.tolist() == [0.0, 0.0]


def test_amounts_of_few_units_are_said():
    def arm(buyers, amount=1.0):
        """Two hundred units; some buy on days 1 and 2."""
        unit = np.repeat(np.arange(buyers), 2)
        time = np.tile([1.0, 2.0], buyers)
        return np.full(200, 5.0), unit, time, np.broadcast_to(amount, unit.shape)

    def warnings(first, second):
        return compare_cumulative_means(first, second, horizon=4.0).warnings

    many = arm(50)
    assert warnings(many, arm(10)) == ()
    assert warnings(many, arm(9)) == ("few_events",)
    assert warnings(arm(0), many) == ("few_events",)
    assert warnings(many, arm(9, -2.5)) == ("few_events",)
    assert warnings(many, arm(40, np.r_[1000.0, np.ones(79)])) == ("few_events",)  # all is one's
    assert warnings(many, arm(50, np.tile([1.0, -1.0], 50))) == ()  # sums say nothing of how many
