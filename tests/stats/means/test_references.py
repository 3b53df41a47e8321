"""Means against R and SciPy: Welch, Student, z, trimmed, capped and geometric."""

import math

import pytest

from abtest.stats import (
    NotEstimable,
    ValueCounts,
    compare_capped_means,
    compare_geometric_means,
    compare_means,
    compare_trimmed_means,
)


def limits_agree(interval, want, rel=1e-9):
    for got, expected in ((interval.lower, want["lower"]), (interval.upper, want["upper"])):
        assert got == (expected if expected is None else pytest.approx(expected, rel=rel))


def test_welch_student_and_z_agree_with_r(reference):
    found = reference("means_r")
    for case in found["cases"]:
        # sums about 1.7e9 leave R itself ten digits of a variance
        rel = 1e-6 if "large" in case["name"] else 1e-9
        for method, alternatives in case["methods"].items():
            for alternative, want in alternatives.items():
                got = compare_means(
                    case["control"],
                    case["treatment"],
                    method=method,
                    alternative=alternative,
                    confidence_level=found["confidence_level"],
                )
                assert got.p_value == pytest.approx(want["p_value"], rel=rel), case["name"]
                assert got.statistic == pytest.approx(want["statistic"], rel=rel)
                assert got.df == (
                    want["df"] if want["df"] is None else pytest.approx(want["df"], rel=rel)
                )
                limits_agree(got.absolute, want, rel)


def test_the_sleep_data_give_the_published_numbers():
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    welch = compare_means(second, first)
    assert (round(welch.statistic, 4), round(welch.df, 3)) == (-1.8608, 17.776)
    assert round(welch.p_value, 5) == 0.07939
    assert (round(welch.absolute.lower, 7), round(welch.absolute.upper, 7)) == (
        -3.3654832,
        0.2054832,
    )
    assert round(compare_means(second, first, method="student").p_value, 5) == 0.07919


def test_trimmed_means_agree_with_r_and_scipy(reference):
    found = reference("trimmed_means")
    for case in found["cases"]:
        rel = 1e-6 if "large" in case["name"] else 1e-9
        for alternative, want in case["R"].items():
            got = compare_trimmed_means(
                case["control"],
                case["treatment"],
                trim=case["trim"],
                alternative=alternative,
                confidence_level=found["confidence_level"],
            )
            assert got.p_value == pytest.approx(want["p_value"], rel=rel), case["name"]
            assert got.df == pytest.approx(want["df"], rel=rel)
            assert got.control_value == pytest.approx(want["control_value"], rel=1e-12)
            assert got.treatment_value == pytest.approx(want["treatment_value"], rel=1e-12)
            limits_agree(got.absolute, want, rel)
        two_sided = compare_trimmed_means(
            case["control"], case["treatment"], trim=case["trim"], confidence_level=0.9
        )
        want = case["scipy"]
        assert two_sided.statistic == pytest.approx(want["statistic"], rel=rel)
        assert two_sided.p_value == pytest.approx(want["p_value"], rel=rel)
        limits_agree(two_sided.absolute, want, rel)


def test_capped_means_agree_with_r_and_scipy(reference):
    found = reference("capped_means")
    for case in found["cases"]:
        rel = 1e-6 if "large" in case["name"] else 1e-9
        for alternative, want in case["alternatives"].items():
            got = compare_capped_means(
                case["control"],
                case["treatment"],
                quantile=case["quantile"],
                alternative=alternative,
                confidence_level=found["confidence_level"],
            )
            assert got.details["threshold"] == case["threshold"], case["name"]
            assert [got.details["capped_control"], got.details["capped_treatment"]] == (
                case["capped"]
            )
            assert got.p_value == pytest.approx(want["p_value"], rel=rel), case["name"]
            limits_agree(got.absolute, want, rel)
            if alternative == "two-sided":
                assert got.p_value == pytest.approx(case["scipy_p_value"], rel=max(rel, 1e-7))


def test_geometric_means_agree_with_r_and_scipy(reference):
    found = reference("geometric_means")
    for case in found["cases"]:
        for alternative, want in case["R"].items():
            arguments = {"alternative": alternative, "confidence_level": 0.9}
            if "very large" in case["name"]:  # a ratio that no float holds
                with pytest.raises(NotEstimable, match="too large"):
                    compare_geometric_means(case["control"], case["treatment"], **arguments)
                continue
            got = compare_geometric_means(case["control"], case["treatment"], **arguments)
            assert got.p_value == pytest.approx(want["p_value"], rel=1e-9), case["name"]
            assert got.df == pytest.approx(want["df"], rel=1e-9)
            assert got.control_value == pytest.approx(want["control_value"], rel=1e-12)
            assert got.treatment_value == pytest.approx(want["treatment_value"], rel=1e-12)
            limits_agree(got.relative, want)
            if alternative == "two-sided":
                theirs = case["scipy"]
                rel = 1e-6 if "large" in case["name"] else 1e-9  # SciPy's sums lose digits
                assert got.statistic == pytest.approx(theirs["statistic"], rel=rel)
                assert math.log1p(got.relative.lower) == pytest.approx(theirs["log_lower"])
                assert math.log1p(got.relative.upper) == pytest.approx(theirs["log_upper"])


def test_a_share_is_the_decimal_that_was_written():
    """0.29 of 100 are 29 units; SciPy and R trim 28, the rounding of 0.29 * 100."""
    values = list(range(100))
    got = compare_trimmed_means(values, [v + 1 for v in values], trim=0.29)
    assert got.details["kept_control"] == 100 - 2 * 29
    capped = compare_capped_means(values, [v + 0.5 for v in values], quantile=0.07)
    both = ValueCounts.from_values([*values, *(v + 0.5 for v in values)])
    assert capped.details["threshold"] == both.values[13]  # the 14th of 200 units
