"""The style sheets of pages and what their security policy allows."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from abtest.show.palette import css_tokens

PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
"""No script, nothing from outside. Styles are inline: those of a figure's SVG are its own,
and outputs are cleaned of every other."""


@cache
def page_style() -> str:
    """Return the style sheet of a report."""
    return css_tokens() + _sheet("base.css") + _sheet("report.css")


@cache
def index_style() -> str:
    """Return the style sheet of the index."""
    return css_tokens() + _sheet("base.css") + _sheet("index.css")


@cache
def index_script() -> str:
    """Return the script of the index: search and filter, nothing that reading needs."""
    return _sheet("index.js")


def index_policy() -> str:
    """Return the security policy of the index: that one script and nothing else."""
    digest = base64.b64encode(hashlib.sha256(index_script().encode("utf-8")).digest()).decode()
    return f"{PAGE_POLICY}; script-src 'sha256-{digest}'"


def _sheet(name: str) -> str:
    return files("abtest.report").joinpath("templates", name).read_text(encoding="utf-8")
