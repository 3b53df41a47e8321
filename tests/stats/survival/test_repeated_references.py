"""Mean cumulative functions against R's survfit by unit and the formula over units."""

import numpy as np
import pytest

from abtest.stats import RepeatedEvents, compare_cumulative_means, compare_means, cumulative_mean


@pytest.fixture(scope="module")
def cases(reference):
    return reference("survival_repeated")["cases"]


def sample(arm):
    return arm["end"], arm["unit"], arm["time"]


def test_curves_and_errors_by_unit_agree_with_survfit(cases):
    for case in cases:
        for arm in case["arms"]:
            got = cumulative_mean(sample(arm))
            for want in arm["curve"]:
                row = int(np.searchsorted(got.times, want["time"]))
                assert got.at_risk[row] == want["n"]
                assert got.mean[row] == pytest.approx(want["M"], rel=1e-10)
                for name in ("se", "loop"):
                    assert got.error[row] == pytest.approx(want[name], rel=1e-9), case["name"]


def test_differences_at_a_horizon_agree_with_survfit(cases):
    for case in cases:
        for want in case["compare"]:
            got = compare_cumulative_means(*map(sample, case["arms"]), horizon=want["horizon"])
            assert got.control_value == pytest.approx(want["control"], rel=1e-10)
            assert got.treatment_value == pytest.approx(want["treatment"], rel=1e-10)
            assert got.estimate == pytest.approx(want["difference"], rel=1e-9)
            assert got.interval == pytest.approx((want["lower"], want["upper"]), rel=1e-8)
            assert got.p_value == pytest.approx(want["p"], rel=1e-7)


def test_with_all_units_watched_to_the_end_it_is_a_comparison_of_means():
    rng = np.random.default_rng(8)
    made, totals = [], []
    for n in (80, 90):
        unit, day = rng.integers(0, n, 300), rng.integers(0, 14, 300)
        amount = rng.normal(3.0, 5.0, 300).round(2)
        made.append(RepeatedEvents.from_values(np.full(n, 13), unit, day, amount))
        totals.append(np.bincount(unit, amount, n))
    got = compare_cumulative_means(*made, horizon=13)
    want = compare_means(*totals, method="z")
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9)
    spread = sum(part.var() / part.size for part in totals)  # divisor n
    assert got.interval[1] - got.estimate == pytest.approx(1.959963984540054 * spread**0.5)
