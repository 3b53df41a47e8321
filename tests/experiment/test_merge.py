"""Defaults fill in what is absent, and only that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from abtest.experiment.documents import Document
from abtest.experiment.merge import merge

LEAVES = st.one_of(
    st.booleans(), st.integers(-2, 2), st.sampled_from(["", "x"]), st.floats(0, 0),
    st.lists(st.integers(0, 1), max_size=2),
)  # fmt: skip
TABLES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), LEAVES | inner, max_size=3),
    max_leaves=8,
)


def leaves(table, at=()):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*at, key))
        else:
            yield (*at, key), value


def value_at(table, path):
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    return table


@given(TABLES, TABLES)
def test_absence_lets_the_default_through_and_false_zero_and_empty_do_not(lower, upper):
    low, up = Document("defaults.toml", lower), Document("experiment.toml", upper)
    merged = merge(low, up)
    for path, value in leaves(upper):
        assert value_at(merged.data, path) == value
        assert merged.sources[path] == (up, path)
    for path, value in leaves(lower):
        covered = [path[:length] for length in range(1, len(path) + 1)]
        stated = any(
            value_at(upper, part) is not None
            and not (part != path and isinstance(value_at(upper, part), dict))
            for part in covered
        )
        if not stated:
            assert value_at(merged.data, path) == value
            assert merged.sources[path] == (low, path)


@given(TABLES, TABLES)
def test_every_value_has_a_source_and_every_source_a_value(lower, upper):
    merged = merge(Document("d", lower), Document("e", upper))
    for path, _ in leaves(merged.data):
        assert path in merged.sources
    for path in merged.sources:
        inner = merged.data
        for key in path:
            inner = inner[key]


def test_a_default_true_can_be_made_false():
    merged = merge(
        Document("d", {"analysis": {"cuped": True, "alpha": 0.1, "segments": ["x"]}}),
        Document("e", {"analysis": {"cuped": False, "segments": []}}),
    )
    assert merged.data == {"analysis": {"cuped": False, "alpha": 0.1, "segments": []}}


def test_defaults_for_another_kind_of_data_are_left_out():
    lower = {"data": {"kind": "events", "exposures": {"unit": "u"}}, "analysis": {"alpha": 0.1}}
    merged = merge(Document("d", lower), Document("e", {"data": {"kind": "units"}}))
    assert merged.data == {"data": {"kind": "units"}, "analysis": {"alpha": 0.1}}
