import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.stats import adjust

METHODS = (
    "bonferroni",
    "holm",
    "hochberg",
    "hommel",
    "sidak",
    "benjamini_hochberg",
    "benjamini_yekutieli",
)
FAMILIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_adjusted_p_values_are_those_of_r_and_statsmodels(reference):
    for case in reference("multiplicity")["p_adjust"]:
        for method in METHODS:
            if method in case:
                got = adjust(case["p_values"], method=method).adjusted
                assert got == pytest.approx(case[method], rel=1e-12, abs=0), (case["name"], method)


def test_weighted_holm_is_the_closed_test_of_weighted_bonferroni_tests(reference):
    for case in reference("multiplicity")["weighted_holm"]:
        got = adjust(case["p_values"], weights=case["weights"])
        assert got.adjusted == pytest.approx(case["adjusted"], rel=1e-12)


def test_weighted_bonferroni_agrees_with_r(reference):
    for case in reference("multiplicity")["weighted_holm"]:
        got = adjust(case["p_values"], method="bonferroni", weights=case["weights"])
        assert got.adjusted == pytest.approx(case["bonferroni"], rel=1e-12)


def test_as_many_are_rejected_as_in_the_published_example(reference):
    values = reference("multiplicity")
    for published in values["published"]:
        case = next(c for c in values["p_adjust"] if c["name"] == published["case"])
        for method, count in published["rejections"].items():
            got = adjust(case["p_values"], method=method, alpha=published["alpha"])
            assert sum(got.rejected) == count


def test_weighted_bonferroni_divides_by_the_share():
    got = adjust({"a": 0.01, "b": 0.02}, method="bonferroni", weights={"b": 3, "a": 1})
    assert got.adjusted == pytest.approx((0.04, 0.02 / 0.75))
    assert got.weights == (0.25, 0.75)


def test_sidak_keeps_the_digits_of_tiny_p_values():
    assert adjust([1e-30, 0.5], method="sidak").adjusted[0] == pytest.approx(2e-30, rel=1e-12)


def test_the_answer_names_family_and_what_it_controls():
    got = adjust({"revenue": 0.01, "retention": 0.2}, method="benjamini_hochberg", alpha=0.1)
    assert got.names == ("revenue", "retention")
    assert got["revenue"] == 0.02
    assert got.controls == "false_discovery_rate"
    assert got.weights is None
    assert str(got) == "1 of 2 tests rejected at alpha 0.1 (benjamini_hochberg): revenue."
    assert got.to_dict()["rejected"] == [True, False]
    assert "retention" in got._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("method", METHODS)
@given(p=FAMILIES, seed=st.integers(0, 100))
def test_the_order_of_the_family_does_not_matter(method, p, seed):
    order = np.random.default_rng(seed).permutation(len(p))
    first, second = adjust(p, method=method), adjust([p[i] for i in order], method=method)
    assert second.adjusted == pytest.approx([first.adjusted[i] for i in order], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(p=FAMILIES)
def test_adjusting_never_lowers_a_p_value_nor_changes_the_ranking(method, p):
    got = adjust(p, method=method).adjusted
    for (p1, q1), (p2, q2) in itertools.combinations(zip(p, got, strict=True), 2):
        assert (p1 < p2) <= (q1 <= q2 * (1 + 1e-12))
    assert all(q >= x * (1 - 1e-12) and q <= 1.0 for x, q in zip(p, got, strict=True))


@given(p=FAMILIES)
def test_procedures_reject_in_the_order_of_their_power(p):
    by_method = {m: np.array(adjust(p, method=m).adjusted) for m in METHODS}
    ordered = ["bonferroni", "holm", "hochberg", "hommel", "benjamini_hochberg"]
    for weaker, stronger in itertools.pairwise(ordered):
        assert (by_method[stronger] <= by_method[weaker] * (1 + 1e-12)).all()
    assert (by_method["sidak"] <= by_method["bonferroni"] * (1 + 1e-12)).all()


@given(p=FAMILIES, weight=st.floats(1e-3, 1e3))
def test_equal_weights_are_no_weights(p, weight):
    for method in ("bonferroni", "holm"):
        got = adjust(p, method=method, weights=[weight] * len(p)).adjusted
        assert got == pytest.approx(adjust(p, method=method).adjusted, rel=1e-12)


@given(
    p=st.lists(st.floats(0, 1), min_size=2, max_size=5),
    weights=st.lists(st.floats(0.01, 10), min_size=5, max_size=5),
)
def test_weighted_holm_is_closed(p, weights):
    weights = weights[: len(p)]
    expected = [0.0] * len(p)
    for size in range(1, len(p) + 1):
        for subset in itertools.combinations(range(len(p)), size):
            total = sum(weights[i] for i in subset)
            joint = min(1.0, *(p[i] * total / weights[i] for i in subset), 1.0)
            for i in subset:
                expected[i] = max(expected[i], joint)
    assert adjust(p, weights=weights).adjusted == pytest.approx(expected, rel=1e-9)


def test_the_family_wise_error_is_held_under_independence():
    rng = np.random.default_rng(2024)
    runs = [adjust(p, method="hommel").rejected for p in rng.uniform(size=(4000, 5))]
    share = np.mean([any(hits) for hits in runs])
    assert share == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 4000) ** 0.5)
