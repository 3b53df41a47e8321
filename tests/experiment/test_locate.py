"""The line of a key is where the shortest prefix that holds it ends."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from abtest.experiment.locate import key_lines

from .spec_files import EVENTS, TOTALS, UNITS


def by_definition(text: str) -> dict[tuple[str | int, ...], int]:
    """Read every prefix of the text: slow, and right by definition."""
    found: dict[tuple[str | int, ...], int] = {}
    lines = text.split("\n")
    for end in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:end]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        for path in paths((), values):
            found.setdefault(path, end)
    return found


def paths(at, value):
    if at:
        yield at
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from paths((*at, key), inner)


KEYS = st.sampled_from(["a", "b", '"c d"', "a.b", "d.e.f", "'#'"])
VALUES = st.sampled_from(
    ["1", '"x"', "[1,\n 2,\n\n 3]", '"""\n[a]\nb = 1\n"""', "{ x = 1, y = [2] }", "'''a\n= '''",
     "[{ q = 1 },\n { q = 2 }]", "2026-01-05T00:00:00Z", "true  # [x]", "[] # ]"]
)  # fmt: skip
STATEMENTS = st.one_of(
    st.tuples(KEYS, VALUES).map(" = ".join),
    st.sampled_from(
        ["[t]", "[t.u]", "[[l]]", "[[l.m]]", "[l.n]", "# = [", "", "  [ 'v' . w ] # x", "[[ l ]]"]
    ),
)


@given(st.lists(STATEMENTS, max_size=12).map("\n".join))
def test_lines_are_those_of_the_shortest_prefix(text):
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert key_lines(text) == by_definition(text)


def test_lines_of_real_files_are_those_of_the_shortest_prefix():
    for text in (EVENTS, UNITS, TOTALS):
        assert key_lines(text) == by_definition(text)


def test_windows_line_ends_count_once():
    assert key_lines("a = 1\r\n\r\nb = 2\r\n") == {("a",): 1, ("b",): 3}


def test_a_value_over_a_great_many_lines_is_given_up_instead_of_taking_forever():
    text = "a = 1\nb = [\n" + "1,\n" * 100_000 + "]\nc = 2\n"
    assert key_lines(text) == {("a",): 1}
