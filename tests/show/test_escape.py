import html
import re
import unicodedata

import mistune
import pytest

from abtest.show import escape

HOSTILE = [
    "<script>alert(1)</script>",
    "\"quotes\" 'single' & &amp; &lt;",
    "{{ 7 * 7 }} {% raw %}",
    "$\\alpha$ costs $5",
    "پرسش فارسی 🎉",
    "a|b `code` *bold* _under_ [link](http://x) # head ~~s~~",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_html_reads_back_as_the_same_text(text):
    escaped = escape.html(text)
    assert html.unescape(escaped) == text
    assert not re.search(r"[<>\"']", escaped)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_reads_back_as_the_same_text(text):
    rendered = mistune.create_markdown(escape=False)(escape.markdown(text))
    inner = rendered.strip().removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inner
    assert html.unescape(inner) == text


def test_terminal_commands_cannot_reach_a_terminal():
    assert escape.plain("\x1b]0;title\x07\x9b31m\x00") == "�]0;title��31m�"


def test_overrides_of_the_writing_direction_are_made_visible():
    assert escape.plain("abc\u202ecod.exe") == "abc�cod.exe"


def test_half_a_surrogate_and_noncharacters_can_be_written_to_a_file():
    assert escape.plain("\ud800\ufffe\ufdd0").encode("utf-8").decode() == "���"


def test_a_line_stays_on_one_line():
    assert escape.line(" a\n\tb\r\nc ") == "a b c"


def test_of_all_characters_those_go_that_act_or_are_none():
    kept = {chr(code) for code in range(0x110000) if escape.plain(chr(code)) == chr(code)}
    gone = {chr(code) for code in range(0x110000)} - kept
    controls = {char for char in gone if unicodedata.category(char) == "Cc"}
    assert controls == {chr(code) for code in (*range(32), *range(127, 160))} - {"\n", "\t"}
    surrogates = {char for char in gone if unicodedata.category(char) == "Cs"}
    assert len(surrogates) == 2048
    assert gone - controls - surrogates == {"\u202d", "\u202e"} | {
        chr(code) for code in range(0x110000) if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    }
