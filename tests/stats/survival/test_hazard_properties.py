"""What holds for hazard ratios: counts for rows, swapped arms, scales; and what is refused."""

import math
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import EventTimes, NotEstimable, compare_hazards, log_rank_test
from abtest.stats.survival.cox import _inverse_sums

units = st.tuples(st.integers(0, 4), st.integers(1, 8), st.booleans())
arms = st.lists(units, min_size=4, max_size=25)
TIMES = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
SEEN = [1, 0, 1, 1, 0, 1]
GOOD = (TIMES, SEEN)
OTHER = ([2.0, 1.0, 4.0, 3.0, 6.0, 5.0], SEEN)


def columns(rows):
    table = np.array(rows, dtype=float)
    return table[:, 0] + table[:, 1], table[:, 2], table[:, 0]


@given(st.integers(1, 3000), st.floats(0, 1e7))
def test_sums_of_inverses_are_those_added_up(d, more):
    a = d + more
    terms = 1.0 / (a - np.arange(d))
    one, two = _inverse_sums(np.array([a]), np.array([float(d)]))
    assert one[0] == pytest.approx(math.fsum(terms), rel=1e-11)
    assert two[0] == pytest.approx(math.fsum(terms**2), rel=1e-11)


@given(arms, arms, st.sampled_from(["two-sided", "greater", "less"]), st.sampled_from([0.8, 0.95]))
def test_swapped_arms_invert_the_ratio_and_p_and_interval_are_one_test(
    first, second, alternative, level
):
    pair = columns(first), columns(second)
    turned = {"greater": "less", "less": "greater"}.get(alternative, alternative)
    try:
        got = compare_hazards(*pair, alternative=alternative, confidence_level=level)
    except NotEstimable:
        return
    back = compare_hazards(*pair[::-1], alternative=turned, confidence_level=level)
    assert back.estimate * got.estimate == pytest.approx(1.0, rel=1e-6)
    assert back.p_value == pytest.approx(got.p_value, rel=1e-6)
    assert back.proportionality.statistic == pytest.approx(
        got.proportionality.statistic, rel=1e-6, abs=1e-9
    )
    summed = compare_hazards(
        *(EventTimes.from_values(*arm) for arm in pair),
        alternative=alternative,
        confidence_level=level,
    )
    assert summed.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert summed.estimate == pytest.approx(got.estimate, rel=1e-9)
    lower, upper = got.interval
    assume(abs(got.p_value - (1 - level)) > 1e-9)
    outside = (lower is not None and lower > 1) or (upper is not None and upper < 1)
    assert outside == (got.p_value < 1 - level)


def test_another_unit_of_covariates_and_time_changes_no_test():
    rng = np.random.default_rng(3)
    made, covariates = [], []
    for _ in range(2):
        x = rng.normal(5.0, 2.0, 120)
        event = rng.exponential(np.exp(-0.3 * (x - 5)))
        made.append((np.minimum(event, 2.0), event < 2.0))
        covariates.append(x)
    got = compare_hazards(*made, covariates=tuple(covariates), names=["before"])
    scaled = compare_hazards(
        *((moment * 86400.0, seen) for moment, seen in made),
        covariates=tuple(1e6 * (x - 100.0) for x in covariates),
    )
    assert scaled.estimate == pytest.approx(got.estimate, rel=1e-9)
    assert scaled.p_value == pytest.approx(got.p_value, rel=1e-8)
    assert scaled.covariates[0].test.p_value == pytest.approx(got.covariates[0].test.p_value)
    assert got.covariates[0].name == "before"
    assert scaled.covariates[0].name == "covariate 1"
    per_unit = math.log(got.covariates[0].hazard_ratio.estimate)
    assert math.log(scaled.covariates[0].hazard_ratio.estimate) == pytest.approx(per_unit / 1e6)
    table = compare_hazards(
        *made, covariates=tuple(np.column_stack([x, rng.normal(size=120)]) for x in covariates)
    )
    assert len(table.covariates) == 2


@given(st.data())
def test_rows_with_units_are_those_rows_repeated(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows, repeated, kinds, many, counts = [], [], [], [], []
    for _ in range(2):
        entry = rng.integers(0, 3, 25).astype(float)
        columns = (entry + rng.integers(1, 6, 25), rng.random(25) < 0.6, entry)
        kind, count = rng.integers(0, 3, 25), rng.integers(0, 5, 25)
        rows.append(columns)
        kinds.append(kind)
        counts.append(count)
        repeated.append(tuple(np.repeat(column, count) for column in columns))
        many.append(np.repeat(kind, count))
    try:
        want = compare_hazards(*repeated, covariates=tuple(many))
    except NotEstimable:
        return
    got = compare_hazards(*rows, covariates=tuple(kinds), units=tuple(counts))
    assert (got.n_control, got.events_treatment) == (want.n_control, want.events_treatment)
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9)
    assert got.error == pytest.approx(want.error, rel=1e-9)
    assert got.all_proportional.p_value == pytest.approx(want.all_proportional.p_value, rel=1e-6)


def test_millions_of_units_by_day_and_kind_take_no_longer_than_their_rows():
    rng = np.random.default_rng(3)
    day, seen, kind = (part.ravel() for part in np.meshgrid(np.arange(1, 401), [0, 1], range(5)))
    counts = [rng.poisson(1250, day.size) for _ in range(2)]
    started = time.perf_counter()
    got = compare_hazards((day, seen), (day, seen), covariates=(kind, kind), units=tuple(counts))
    assert time.perf_counter() - started < 0.5
    assert got.n_control + got.n_treatment > 9_000_000
    assert got.estimate == pytest.approx(1.0, abs=0.01)


def test_ten_million_units_on_days_cost_what_the_days_cost():
    rng = np.random.default_rng(5)
    share = np.full(400, 1 / 400)
    made = [
        EventTimes.from_table(
            np.arange(400.0),
            rng.multinomial(3_000_000, share),
            rng.multinomial(2_000_000, share),
        )
        for _ in range(2)
    ]
    compare_hazards(*made)
    started = time.perf_counter()
    got = compare_hazards(*made)
    assert time.perf_counter() - started < 0.1
    rank = log_rank_test(*made)
    assert got.statistic == pytest.approx(rank.statistic, abs=0.01)  # near 1 they are one test


def test_hazards_that_change_are_noticed():
    rng = np.random.default_rng(6)
    control = np.minimum(rng.exponential(1.0, 2000), 3.0)
    late = rng.exponential(1.0, 2000)
    treatment = np.minimum(np.where(late < 0.5, late / 2, 0.25 + 2 * (late - 0.5)), 3.0)
    got = compare_hazards((control, control < 3.0), (treatment, treatment < 3.0))
    assert got.proportionality.p_value < 1e-6
    assert got.warnings == ("hazards_not_proportional",)
    assert "hazards_not_proportional" in str(got)


def test_the_test_and_that_of_proportional_hazards_keep_their_level():
    rng = np.random.default_rng(12)
    runs, rejected, bent = 300, 0, 0
    for _ in range(runs):
        pair, before = [], []
        for _arm in range(2):
            x = rng.normal(size=100)
            event = np.ceil(4 * rng.exponential(np.exp(-0.5 * x)))
            pair.append((np.minimum(event, 6.0), event <= 6.0))
            before.append(x)
        got = compare_hazards(*pair, covariates=tuple(before))
        rejected += got.p_value < 0.05
        bent += got.proportionality.p_value < 0.05
    assert max(rejected, bent) <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)
    assert min(rejected, bent) >= 2


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        (([1.0], [1]), GOOD, "too_few_units"),
        (([], []), GOOD, "too_few_units"),
        ((TIMES, [0] * 6), GOOD, "no_events"),
        (([1.0] * 4, [1] * 4), ([2.0, 3.0] * 2, [1] * 4, [1.5] * 4), "constant"),
        (([1.0] * 4, [1] * 4), ([2.0] * 4, [1] * 4), "separated"),
        (([-1.0, 2.0], [1, 1]), GOOD, "impossible_times"),
    ],
)
def test_arms_without_a_ratio_say_why(control, treatment, code):
    with pytest.raises(NotEstimable) as error:
        compare_hazards(control, treatment)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("covariates", "code"),
    [
        (([1.0] * 6, [1.0] * 6), "covariates_unusable"),
        (([1.0] * 6, [0.0] * 6), "covariates_unusable"),
        (([TIMES, TIMES], [SEEN, SEEN]), "covariates_unusable"),
        (([math.inf, *TIMES[1:]], TIMES), "not_finite"),
        (([1e300 * x for x in TIMES], TIMES), "covariates_unusable"),
        (([1e-300 * x for x in TIMES], [1e-300 * x for x in SEEN]), "covariates_unusable"),
    ],
)
def test_covariates_that_cannot_be_used_are_refused(covariates, code):
    with pytest.raises(NotEstimable) as error:
        compare_hazards(GOOD, OTHER, covariates=covariates)
    assert error.value.code == code


@pytest.mark.parametrize("count", [-1, 0.5, math.nan, math.inf])
def test_units_of_rows_are_counts(count):
    with pytest.raises(NotEstimable) as error:
        compare_hazards(
            GOOD, OTHER, covariates=(TIMES, SEEN), units=([1, 1, 1, 1, 1, count], [2] * 6)
        )
    assert error.value.code == "not_a_count"


def test_a_covariate_that_sorts_the_events_has_no_ratio():
    event = np.arange(1.0, 21.0)
    with pytest.raises(NotEstimable) as error:
        compare_hazards((event, event < 15), (event, event < 15), covariates=(event, event))
    assert error.value.code == "separated"


@pytest.mark.parametrize(
    "arguments",
    [
        {"covariates": TIMES},
        {"covariates": (TIMES, TIMES[:3])},
        {"covariates": (TIMES, ["a"] * 6)},
        {"covariates": ([TIMES, SEEN], TIMES)},
        {"covariates": 3},
        {"names": ["one"]},
        {"units": ([1] * 6, [1] * 6)},
        {"covariates": (TIMES, TIMES), "units": [1] * 6},
        {"covariates": (TIMES, TIMES), "units": ([1] * 6, [1] * 5)},
        {"covariates": (TIMES, TIMES), "names": "one"},
        {"covariates": (TIMES, TIMES), "names": ["one", "two"]},
        {"transform": "log"},
        {"alternative": "faster"},
        {"confidence_level": 95},
    ],
)
def test_arguments_are_checked(arguments):
    with pytest.raises(UsageError):
        compare_hazards(GOOD, OTHER, **arguments)
    summed = [EventTimes.from_values(*arm) for arm in (GOOD, OTHER)]
    if "covariates" in arguments:
        with pytest.raises(UsageError):
            compare_hazards(*summed, covariates=(TIMES, TIMES))
    with pytest.raises(UsageError):
        compare_hazards(TIMES, OTHER)


def test_units_without_a_covariate_are_left_out_and_counted():
    before = [3.0, None, 1.0, 2.0, math.nan, 1.0]
    got = compare_hazards(GOOD, ([math.nan, *OTHER[0][1:]], SEEN), covariates=(before, TIMES))
    assert (got.n_control, got.nulls_control) == (4, 2)
    assert (got.n_treatment, got.nulls_treatment) == (5, 1)


def test_results_show_themselves():
    got = compare_hazards(GOOD, OTHER, covariates=([1, 5, 2, 8, 3, 4], [2, 3, 9, 1, 4, 4]))
    assert "given covariate 1" in str(got)
    assert "hazard ratio" in got._repr_mimebundle_()[0]["text/html"]
    found = got.to_dict()
    assert found["warnings"] == ["few_events"]
    assert found["covariates"][0]["name"] == "covariate 1"
    assert compare_hazards(GOOD, OTHER, alternative="less").interval[1] is None
    one_time = compare_hazards(([1.0, 1.0, 2.0], [1, 0, 0]), ([1.0, 2.0, 2.0], [1, 0, 0]))
    assert one_time.proportionality.p_value == one_time.all_proportional.p_value == 1.0
