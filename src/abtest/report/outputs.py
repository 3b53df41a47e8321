"""Outputs of notebook cells as HTML, whatever made them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from abtest.report.sanitise import clean
from abtest.show import escape
from abtest.show.fragment import notebook_style

Output = Mapping[str, Any]

LONGEST_TEXT = 20_000
"""Characters of printed text that are shown; a report is for reading."""

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")
_RASTER = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+\Z")


def output_html(output: Output) -> str:
    """Return one output as HTML; "" for those that are meant to leave nothing in a report.

    The richest form that needs no script is taken: HTML, image, Markdown, text.
    """
    kind = output.get("output_type")
    if kind == "error":
        return error_html(output)
    if kind == "stream":
        return text_html(_joined(output.get("text")), str(output.get("name", "")))
    data = output.get("data") or {}
    metadata = output.get("metadata") or {}
    if (metadata.get("abtest") or {}).get("empty"):
        return ""
    return data_html(data, metadata)


def data_html(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """Return a displayed object as HTML."""
    if "text/html" in data:
        return clean(_joined(data["text/html"]).removeprefix(notebook_style()))
    for kind in ("image/svg+xml", *_RASTER):
        if kind in data:
            return image_html(kind, _joined(data[kind]), metadata.get(kind) or {})
    if "text/markdown" in data:
        return markdown_html(_joined(data["text/markdown"]))
    return text_html(_joined(data["text/plain"])) if "text/plain" in data else ""


def image_html(kind: str, content: str, metadata: Mapping[str, Any]) -> str:
    """Return an image as a figure; its bytes are in the page."""
    if kind == "image/svg+xml":
        encoded = base64.b64encode(content.encode("utf-8")).decode("ascii")
    else:
        encoded = "".join(content.split())
        if not _BASE64.match(encoded):
            return ""
    alt = escape.html(metadata.get("alt") or "Figure without a description")
    return (
        '<figure class="abtest-figure"><div class="abtest-scroll" tabindex="0" role="region" '
        f'aria-label="Figure"><img src="data:{kind};base64,{encoded}" alt="{alt}"></div></figure>'
    )


def markdown_html(source: str) -> str:
    """Return Markdown as HTML; dollar signs are dollar signs."""
    import mistune

    render = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])
    return clean(str(render(source)))


def text_html(text: str, name: str = "") -> str:
    """Return printed text; codes for colours go, carriage returns have done their work."""
    shown = escape.plain(_final_lines(_ANSI.sub("", text))).rstrip()
    if not shown:
        return ""
    if len(shown) > LONGEST_TEXT:
        shown = shown[:LONGEST_TEXT] + "\n… (cut; the notebook has all of it)"
    label = "Messages" if name == "stderr" else "Printed text"
    body = f'<pre tabindex="0" role="region" aria-label="{label}">{escape.html(shown)}</pre>'
    if name == "stderr":
        return f'<details class="messages"><summary>Messages</summary>{body}</details>'
    return body


def error_html(output: Output) -> str:
    """Return an error: what happened in one line, the traceback folded."""
    name, value = escape.html(output.get("ename", "")), escape.html(output.get("evalue", ""))
    lines = "\n".join(map(str, output.get("traceback") or ()))
    trace = escape.html(_ANSI.sub("", lines))
    return (
        '<div class="error" role="note"><p><span class="abtest-icon" aria-hidden="true">✕</span> '
        f"<strong>This part failed.</strong> {name}: {value}</p>"
        f'<details><summary>Traceback</summary><pre tabindex="0" role="region" '
        f'aria-label="Traceback">{trace}</pre></details></div>'
    )


def unfinished_html() -> str:
    """Return what stands at a cell that was stopped, and so has no error of its own."""
    return (
        '<div class="error" role="note"><p><span class="abtest-icon" aria-hidden="true">✕</span> '
        "<strong>This part did not finish.</strong></p></div>"
    )


def _final_lines(text: str) -> str:
    """Return what a terminal shows in the end of lines that were written over."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _joined(text: object) -> str:
    """Return text of a notebook, which may be kept as a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")
