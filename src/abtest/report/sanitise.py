"""HTML from notebook outputs made safe: known tags only, balanced, nothing that acts or loads."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from abtest.show import escape

if TYPE_CHECKING:
    from bleach.sanitizer import Cleaner  # type: ignore[import-untyped]  # it has no types

TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl "
        "dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp "
        "section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var",
    )
)
EVERYWHERE = frozenset(("class", "dir", "lang", "title", "role", "aria-label", "aria-hidden"))
BY_TAG: dict[str, frozenset[str]] = {
    "div": frozenset(("tabindex",)),
    "img": frozenset(("alt", "src", "width", "height")),
    "a": frozenset(("href",)),
    "th": frozenset(("scope", "colspan", "rowspan")),
    "td": frozenset(("colspan", "rowspan")),
    "ol": frozenset(("start",)),
    "time": frozenset(("datetime",)),
    "details": frozenset(("open",)),
}
IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+\Z")
LINK = re.compile(r"(?:https?://|mailto:|#|\.{0,2}/)", re.IGNORECASE)

_SILENT = re.compile(
    r"<(style|script|template|noscript|iframe|object|title)\b[^>]*>.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_HEADING = re.compile(r"<(/?)h([1-6])\b")
_NO_ALT = re.compile(r"<img(?![^>]*\salt=)")
_NO_SOURCE = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>")


def clean(markup: str, *, top: int = 2) -> str:
    """Return the markup with what a report may hold; everything else is dropped or escaped.

    Scripts, styles, forms, embedded documents, event handlers, style attributes and anything
    loaded from outside go; images stay if their bytes are in the page. Tags are balanced, so
    that nothing reaches out of its place, and no heading stands above level `top`.
    """
    kept: str = _cleaner().clean(_SILENT.sub("", escape.plain(markup)))
    kept = _NO_SOURCE.sub("", kept)
    kept = _NO_ALT.sub('<img alt="Figure without a description"', kept)
    return _HEADING.sub(lambda found: _lowered(found, kept, top), kept)


def _lowered(found: re.Match[str], markup: str, top: int) -> str:
    levels = [int(match.group(2)) for match in _HEADING.finditer(markup)]
    ranks = {level: top + rank for rank, level in enumerate(sorted(set(levels)))}
    return f"<{found.group(1)}h{min(ranks[int(found.group(2))], 6)}"


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if tag == "img" and name == "src":
        return IMAGE.match(value) is not None
    if tag == "a" and name == "href":
        return LINK.match(value.strip()) is not None
    return name in EVERYWHERE or name in BY_TAG.get(tag, frozenset())


@cache
def _cleaner() -> Cleaner:
    from bleach.sanitizer import Cleaner

    return Cleaner(
        tags=TAGS,
        attributes=_is_allowed,
        protocols=["http", "https", "mailto", "data"],  # `_is_allowed` says which goes where
        strip=True,
        strip_comments=True,
    )
