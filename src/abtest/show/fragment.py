"""A piece of a report that shows itself as HTML, Markdown or plain text."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def notebook_style() -> str:
    """Return the style element that goes before every fragment in a notebook.

    It sets layout only, so that fragments follow the colours of the notebook's theme; a
    report takes it off again and brings its own style sheet once.
    """
    sheet = files("abtest.show").joinpath("fragment.css").read_text(encoding="utf-8")
    return f"<style>{sheet}</style>"


@dataclass(frozen=True)
class Fragment:
    """One part of a report in three forms, with a picture where it has one.

    `text` is for terminals, `markdown` for readers that know no HTML. `png` and `alt` let
    viewers without HTML show the picture and say what it shows.
    """

    html: str
    text: str
    markdown: str
    png: bytes | None = None
    alt: str | None = None

    def __str__(self) -> str:
        """Return the plain text."""
        return self.text

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002  Jupyter calls with both names
        exclude: object = None,  # noqa: ARG002
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return every form by MIME type, and the alternative text of the picture."""
        if not self.html:
            data = {"text/plain": self.text, "text/markdown": self.markdown}
            return data, {"abtest": {"empty": True}}  # a report leaves it out
        data = {
            "text/html": notebook_style() + self.html,
            "text/markdown": self.markdown,
            "text/plain": self.text,
        }
        if self.png is None:
            return data, {}
        data["image/png"] = base64.b64encode(self.png).decode("ascii")
        return data, {"image/png": {"alt": self.alt or ""}}


def join(parts: Iterable[Fragment]) -> Fragment:
    """Return several fragments as one, in order; empty ones leave nothing behind."""
    kept = [part for part in parts if part.text or part.html]
    return Fragment(
        html="\n".join(part.html for part in kept),
        text="\n\n".join(part.text for part in kept),
        markdown="\n\n".join(part.markdown for part in kept),
        png=next((part.png for part in kept if part.png), None),
        alt=next((part.alt for part in kept if part.alt), None),
    )


def folded(summary: str, part: Fragment) -> Fragment:
    """Return the part folded away in HTML, in full elsewhere; `summary` is fixed text."""
    if not part.html:
        return part
    html = f"<details>\n<summary>{summary}</summary>\n{part.html}\n</details>"
    return replace(part, html=html)


def section(heading: str, *parts: Fragment, name: str) -> Fragment:
    """Return the parts under a heading; `name` is the section's class, heading is fixed text."""
    body = join(parts)
    return Fragment(
        html=f'<section class="abtest abtest-{name}">\n<h2>{heading}</h2>\n{body.html}\n</section>',
        text=f"{heading}\n{'=' * len(heading)}\n{body.text}",
        markdown=f"## {heading}\n\n{body.markdown}",
        png=body.png,
        alt=body.alt,
    )
