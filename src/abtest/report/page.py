"""`report.html`: the executed notebook through our own nbconvert template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abtest.report.outputs import markdown_html, output_html, unfinished_html
from abtest.report.styles import PAGE_POLICY, page_style
from abtest.show import escape, origin
from abtest.show.banner import banner, headline
from abtest.show.fragment import Fragment
from abtest.show.words import NO_VERDICT, verdict_word

if TYPE_CHECKING:
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbformat import NotebookNode

TEMPLATES = Path(__file__).parent / "templates"
BANNER_CLASS = "abtest-verdict"
PROVENANCE_CLASS = "abtest-provenance"
HIDDEN_CELL = frozenset(("remove_cell", "remove-cell", "abtest-incomplete"))
HIDDEN_CODE = frozenset(("remove_input", "remove-input", "parameters", "injected-parameters"))


@dataclass(frozen=True)
class Block:
    """One cell as the page shows it: outputs or text, and its code, folded; "" for none.

    `has_failed`: the run ended here, so the code is open.
    """

    body: str
    code: str
    is_prose: bool = False
    has_failed: bool = False


def render(
    notebook: NotebookNode | Mapping[str, Any] | str | Path,
    document: Mapping[str, Any] | None,
    *,
    title: str = "",
    lang: str = "en",
    direction: str = "ltr",
    index: str = "../index.html",
) -> str:
    """Return the report of an executed notebook as one HTML page that loads nothing.

    Parameters
    ----------
    notebook
        The executed notebook, or its path. Cells tagged ``remove_cell`` are left out,
        cells tagged ``remove_input`` show no code.
    document
        Its verdict; None when there is none: the page says so.
    title
        Title when there is no document.
    lang, direction
        Language (BCP 47) and writing direction of the page.
    index
        Where the list of all experiments is, relative to the page; "" for no link.

    Notes
    -----
    The verdict stands at the top: taken from the notebook if it shows one there, else
    from the document; the same holds for the provenance at the foot.
    """
    node = as_node(notebook)
    blocks = blocks_of(node)
    shown = "".join(block.body for block in blocks)
    top, foot = _top(document, shown), _foot(document, shown)
    page = {
        "title": escape.line(document["title"] if document else title) or "A/B test",
        "word": str(verdict_word(document["verdict"] if document else None)),
        "experiment": document["experiment"] if document else "",
        "lang": lang,
        "direction": direction,
        "index": index,
        "status": _status(node),
        "top": top.html,
        "blocks": blocks,
        "foot": foot.html,
        "made_from": ["notebook", "verdict"] if document else ["notebook"],
    }
    return page_html(node, page)


def page_html(node: NotebookNode, page: Mapping[str, Any]) -> str:
    """Return the parts of a page in our template."""
    whole = {**page, "policy": PAGE_POLICY, "style": page_style()}
    text, _ = _exporter().from_notebook_node(node, resources={"page": whole})
    return str(text)


def blocks_of(node: NotebookNode) -> list[Block]:
    """Return what the page shows of the notebook's cells."""
    return _with_code_beside(block for cell in node.cells if (block := _block(cell)))


def _top(document: Mapping[str, Any] | None, shown: str) -> Fragment:
    if document is None:
        return banner(NO_VERDICT, "The run did not finish, so there is no verdict.")
    return Fragment("", "", "") if BANNER_CLASS in shown else headline(document)


def _foot(document: Mapping[str, Any] | None, shown: str) -> Fragment:
    if document is None or PROVENANCE_CLASS in shown:
        return Fragment("", "", "")
    return origin.provenance(document)


def _status(node: NotebookNode) -> str:
    """Return what a reader must know about the run itself; "" if it went through."""
    about = node.metadata.get("abtest") or {}
    if about.get("status", "completed") != "completed":
        return str(about.get("message") or "The run did not finish; what is below is partial.")
    code = [cell for cell in node.cells if cell.cell_type == "code" and cell.source.strip()]
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        return "A part of this notebook failed; what follows it may be missing or out of date."
    if any(cell.execution_count is None for cell in code):
        return "This notebook was not executed to its end; what is below is partial."
    return ""


def _block(cell: NotebookNode) -> Block | None:
    tags = frozenset(cell.metadata.get("tags") or ())
    if tags & HIDDEN_CELL:
        return None
    if cell.cell_type == "markdown":
        return Block(markdown_html(cell.source), "", is_prose=True)
    if cell.cell_type != "code":
        return None
    body = "\n".join(filter(None, map(output_html, cell.outputs)))
    code = "" if tags & HIDDEN_CODE else escape.html(cell.source.strip())
    has_failed = (cell.metadata.get("abtest") or {}).get("status") == "failed"
    if has_failed and not any(output.output_type == "error" for output in cell.outputs):
        body += unfinished_html()
    return Block(body, code, has_failed=has_failed) if body or code else None


def _with_code_beside(blocks: Iterable[Block]) -> list[Block]:
    """Return the blocks with the code of those that show nothing beside the next that does."""
    shown: list[Block] = []
    waiting: list[str] = []
    for block in blocks:
        if block.has_failed and waiting:  # its own code is what matters
            shown.append(Block("", "\n\n".join(waiting)))
            waiting = []
        waiting += [block.code] if block.code else []
        if block.body:
            shown.append(replace(block, code="\n\n".join(waiting)))
            waiting = []
    if waiting:
        shown.append(Block("", "\n\n".join(waiting)))
    return shown


def as_node(notebook: NotebookNode | Mapping[str, Any] | str | Path) -> NotebookNode:
    """Return the notebook as nbformat has it, given so, as plain values or as a path."""
    import nbformat
    from nbformat.v4.rwbase import rejoin_lines

    if isinstance(notebook, str | Path):
        return nbformat.read(Path(notebook), as_version=4)  # type: ignore[no-untyped-call, no-any-return]  # nbformat is untyped
    node = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]  # nbformat is untyped
    return rejoin_lines(node)  # type: ignore[no-untyped-call, no-any-return]  # nbformat is untyped


@cache
def _exporter() -> TemplateExporter:
    """Return nbconvert with our template and none of its preprocessors."""
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    exporter = TemplateExporter(  # type: ignore[no-untyped-call]  # nbconvert is half typed
        config=Config({"TemplateExporter": {"preprocessors": [], "default_preprocessors": []}}),
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="abtest",
        template_file="index.html.j2",
    )
    exporter.environment.autoescape = True
    return exporter
