"""The one place that escapes: text from files and data never becomes markup or a command."""

from __future__ import annotations

import html as _html
import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
OVERRIDES = "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
"""They show letters in another order than they have; no name needs them."""

_PLANES = "".join(f"{chr(last - 1)}{chr(last)}" for last in range(0xFFFF, 0x110000, 0x10000))
_UNSEEN = re.compile(
    # Control characters but tab and newline, surrogates, code points that are not characters.
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANES}{OVERRIDES}]"
)
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#])")
_SPACE = re.compile(r"\s+")


def plain(text: object) -> str:
    r"""Return the text with every character that could command a terminal or break a page replaced.

    Control characters other than newline and tab, overrides of the writing direction, lone
    surrogates and code points that are not characters become U+FFFD, so that nothing is
    hidden and nothing acts.

    Examples
    --------
    >>> plain("red \x1b[31m")
    'red �[31m'
    """
    return _UNSEEN.sub(REPLACEMENT, str(text).replace("\r\n", "\n"))


def line(text: object) -> str:
    r"""Return the text on one line: `plain`, with every run of white space as one blank.

    Examples
    --------
    >>> line("two\nlines")
    'two lines'
    """
    return _SPACE.sub(" ", plain(text)).strip()


def html(text: object) -> str:
    """Return the text for use between tags and in quoted attributes.

    Examples
    --------
    >>> html('<b>"&')
    '&lt;b&gt;&quot;&amp;'
    """
    return _html.escape(plain(text), quote=True)


def bdi(text: object) -> str:
    """Return the text as HTML that keeps its own writing direction."""
    return f"<bdi>{html(text)}</bdi>"


def markdown(text: object) -> str:
    r"""Return the text on one line with everything that Markdown reads as markup escaped.

    The ampersand becomes an entity, so that entities in the text stay visible.

    Examples
    --------
    >>> markdown("<b> a_b $x$ | y")
    '\\<b\\> a\\_b \\$x\\$ \\| y'
    """
    return _MARKDOWN_SPECIAL.sub(r"\\\1", line(text).replace("&", "&amp;"))
