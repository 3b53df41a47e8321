"""`failed/report.html`: why a run made no verdict, and what its notebook had made by then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abtest.report.page import Block, as_node, blocks_of, page_html
from abtest.show import escape
from abtest.show.banner import banner
from abtest.show.words import ENDINGS

_NOTHING: Mapping[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@dataclass(frozen=True)
class FailedRun:
    """Which run failed, how and why.

    Parameters
    ----------
    experiment, title
        Name of the experiment and its title.
    status
        ``failed``, ``timeout`` or ``interrupted``.
    what, given, todo
        What is wrong, what was given, what to do.
    """

    experiment: str
    title: str
    status: str
    what: str
    given: str = ""
    todo: str = ""


def render_failed(
    run: FailedRun, notebook: Mapping[str, Any] | None, *, index: str = "../../index.html"
) -> str:
    """Return the page of a failed run: that it failed and why, then the notebook so far.

    Parameters
    ----------
    run
        What happened.
    notebook
        The notebook as far as it was executed; None if it was not started.
    index
        Where the list of all experiments is, relative to the page.
    """
    node = as_node(_NOTHING if notebook is None else notebook)
    blocks = blocks_of(node)
    word = ENDINGS.get(run.status, ENDINGS["failed"])
    page = {
        "title": escape.line(run.title),
        "word": str(word),
        "experiment": run.experiment,
        "lang": "en",
        "direction": "ltr",
        "index": index,
        "status": "",
        "top": banner(word, run.what, name="How the run ended").html + _why(run, blocks),
        "blocks": blocks,
        "is_partial": bool(blocks),
        "foot": "",
        "made_from": [] if notebook is None else ["notebook"],
    }
    return page_html(node, page)


def _why(run: FailedRun, blocks: list[Block]) -> str:
    """Return the second and third part of the message, and what to think of the rest."""
    parts = [("What was given", run.given), ("What to do", run.todo)]
    rows = "".join(
        f"<div><dt>{name}</dt> <dd>{escape.html(escape.plain(text))}</dd></div>\n"
        for name, text in parts
        if text
    )
    below = "The notebook was not started."
    if blocks:
        below = "Below stands what the notebook had made by then. It is not a result."
    if any(block.has_failed for block in blocks):
        below += ' <a href="#failed">Go to the cell that failed</a>'
    told = f"<dl>\n{rows}</dl>\n" if rows else ""
    return (
        '\n<div class="block"><section class="abtest abtest-failure" aria-label="Why">\n'
        f"{told}<p>{below}</p>\n</section></div>"
    )
