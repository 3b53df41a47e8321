import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import TestGraph, adjust, gatekeeping

P = st.floats(1e-6, 1)


def graph_of(case):
    names = [f"H{place + 1}" for place in range(len(case["p_values"]))]
    if "parallel" in case:
        return TestGraph.parallel(case["parallel"])
    if "serial" in case:
        return TestGraph.serial(case["serial"])
    if "fallback" in case:
        return TestGraph.fallback(names, case["fallback"])
    return TestGraph(case["names"], case["weights"], case["passes"], case["leftovers"])


def closed_test(p, weights, edges):
    """Adjusted p-values over all intersections, weights by Bretz et al. (2009), algorithm 1."""
    m = len(p)
    adjusted = [0.0] * m
    for size in range(1, m + 1):
        for subset in itertools.combinations(range(m), size):
            w, g = list(weights), [list(row) for row in edges]
            kept = list(range(m))
            for gone in set(range(m)) - set(subset):
                kept.remove(gone)
                for i in kept:
                    w[i] += w[gone] * g[gone][i]
                g = [
                    [
                        (g[i][j] + g[i][gone] * g[gone][j]) / (1 - g[i][gone] * g[gone][i])
                        if i != j and g[i][gone] * g[gone][i] < 1 - 1e-12
                        else 0.0
                        for j in range(m)
                    ]
                    for i in range(m)
                ]
            joint = min([1.0, *(p[i] / w[i] for i in subset if w[i] > 0)])
            for i in subset:
                adjusted[i] = max(adjusted[i], joint)
    return adjusted


def test_published_and_hand_computed_cases(reference):
    for case in reference("gatekeeping")["graphs"]:
        got = gatekeeping(case["p_values"], graph_of(case)).adjusted
        assert got == pytest.approx(case["adjusted"], abs=case["tolerance"]), case["source"]


@settings(max_examples=60)
@given(
    p=st.lists(P, min_size=4, max_size=4),
    raw=st.lists(st.integers(0, 4), min_size=16, max_size=16),
    start=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any),
)
def test_the_short_cut_is_the_closed_test(p, raw, start):
    names = "abcd"
    weights = [x / sum(start) for x in start]
    edges = []
    for i in range(4):
        row = [0 if i == j else raw[4 * i + j] for j in range(4)]
        edges.append([x / sum(row) if sum(row) else 0.0 for x in row])
    passes = {names[i]: {names[j]: edges[i][j] for j in range(4) if j != i} for i in range(4)}
    got = gatekeeping(p, TestGraph(list(names), weights, passes)).adjusted
    assert got == pytest.approx(closed_test(p, weights, edges), rel=1e-6)


@given(p=st.lists(P, min_size=1, max_size=8), data=st.data())
def test_one_serial_family_is_holm(p, data):
    weights = data.draw(st.lists(st.integers(1, 20), min_size=len(p), max_size=len(p)))
    names = [f"t{i}" for i in range(len(p))]
    graph = TestGraph.serial([dict(zip(names, weights, strict=True))])
    expected = adjust(p, weights=weights).adjusted
    assert gatekeeping(p, graph).adjusted == pytest.approx(expected, rel=1e-6)


@given(
    first=st.lists(P, min_size=1, max_size=3),
    second=st.lists(P, min_size=1, max_size=3),
    third=st.lists(P, min_size=1, max_size=3),
)
def test_serial_families_wait_for_all_before(first, second, third):
    families = [first, second, third]
    names = [[f"{k}.{i}" for i in range(len(family))] for k, family in enumerate(families)]
    expected, gate = [], 0.0
    for family in families:
        holm = [max(gate, q) for q in adjust(family).adjusted]
        expected += holm
        gate = max(holm)
    got = gatekeeping([p for family in families for p in family], TestGraph.serial(names))
    assert got.adjusted == pytest.approx(expected, rel=1e-6)


@given(p=st.lists(P, min_size=4, max_size=4))
def test_parallel_families_spend_what_was_won_before(p):
    """A direct closed test of Dmitrienko, Offen & Westfall (2003) with equal weights."""
    expected = [0.0] * 4
    for size in range(1, 5):
        for subset in itertools.combinations(range(4), size):
            primary, secondary = [i for i in subset if i < 2], [i for i in subset if i >= 2]
            left = 1.0 - 0.5 * len(primary)
            candidates = [p[i] / 0.5 for i in primary]
            candidates += [p[i] / (left / len(secondary)) for i in secondary if left > 0]
            joint = min([1.0, *candidates])
            for i in subset:
                expected[i] = max(expected[i], joint)
    graph = TestGraph.parallel([["a", "b"], ["c", "d"]])
    assert gatekeeping(p, graph).adjusted == pytest.approx(expected, rel=1e-9)


def test_a_test_behind_a_closed_gate_is_never_rejected_not_even_at_p_of_0():
    graph = TestGraph.serial([["a"], ["b"], ["c"]])
    assert gatekeeping([0.9, 0.0, 0.0], graph).adjusted == (0.9, 0.9, 0.9)
    assert gatekeeping([1.0, 0.0, 1e-320], graph).adjusted == (1.0, 1.0, 1.0)


def test_p_values_are_found_by_name():
    graph = TestGraph.sequence(["first", "second"])
    got = gatekeeping({"second": 0.02, "first": 0.01}, graph)
    assert got.names == ("first", "second")
    assert got.adjusted == (0.01, 0.02)
    assert got.method == "graph"


@pytest.mark.parametrize(
    ("names", "weights", "passes"),
    [
        ([], [], {}),
        (["a", "a"], [0.5, 0.5], {}),
        (["a", "b"], [0.5], {}),
        (["a", "b"], [0.7, 0.5], {}),
        (["a", "b"], [-0.1, 0.5], {}),
        (["a", "b"], [math.nan, 0.5], {}),
        (["a", "b"], [1.0, 0.0], {"a": {"c": 1.0}}),
        (["a", "b"], [1.0, 0.0], {"a": {"a": 1.0}}),
        (["a", "b"], [1.0, 0.0], {"a": {"b": 1.1}}),
        (["a", "b"], [1.0, 0.0], {"x": {"b": 1.0}}),
    ],
)
def test_impossible_graphs_are_refused(names, weights, passes):
    with pytest.raises(UsageError):
        TestGraph(names, weights, passes)


@pytest.mark.parametrize("p", [{"a": 0.1}, {"a": 0.1, "c": 0.2}, [0.1], [0.1, math.nan]])
def test_p_values_that_do_not_fit_the_graph_are_refused(p):
    with pytest.raises(UsageError):
        gatekeeping(p, TestGraph.sequence(["a", "b"]))


@pytest.mark.parametrize("families", [[], [[]], [{"a": 0.0}], [{"a": 1.0}, {}]])
def test_families_without_tests_or_weights_are_refused(families):
    with pytest.raises(UsageError):
        TestGraph.serial(families)
    with pytest.raises(UsageError):
        TestGraph.parallel(families)
