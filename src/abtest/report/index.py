"""`index.html`: every experiment with its verdict, searchable, readable without script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from abtest import files
from abtest.report.styles import index_policy, index_script, index_style
from abtest.show import escape, words
from abtest.show.numbers import moment

if TYPE_CHECKING:
    from jinja2 import Template

INDEX = "index.html"
RunState = Literal["fresh", "stale", "failed", "never"]


@dataclass(frozen=True)
class IndexEntry:
    """One experiment in the list.

    Parameters
    ----------
    experiment, title
        Its name and its title.
    verdict, headline
        Code and sentence of its last verdict; None and "" if it has none.
    run
        State of its last run. ``failed`` keeps the verdict of the run before.
    owner, tags, start, end
        As in the experiment file; dates in ISO form.
    as_of
        Up to which moment its data were believed.
    is_concluded
        Whether plain runs skip it.
    report
        Path of its report, relative to the index; None if there is none.
    problem
        What went wrong in the last run, or why the result is out of date.
    failed_report
        Path of the failed run's page, relative to the index; None if there is none.
    """

    experiment: str
    title: str
    verdict: str | None = None
    headline: str = ""
    run: RunState = "fresh"
    owner: str = ""
    tags: Sequence[str] = ()
    start: str | None = None
    end: str | None = None
    as_of: str | None = None
    is_concluded: bool = False
    report: str | None = None
    problem: str = ""
    failed_report: str | None = None


def write_index(reports_dir: Path, entries: Iterable[IndexEntry]) -> Path:
    """Write `index.html` into the folder, whole or not at all, and return its path."""
    path = reports_dir / INDEX
    files.write_text(path, index_page(entries))
    return path


def index_page(entries: Iterable[IndexEntry], *, lang: str = "en", direction: str = "ltr") -> str:
    """Return the index as one HTML page that loads nothing.

    Failed runs come first, then running experiments, then concluded ones; within each the
    latest data first.
    """
    ordered = _sorted(entries)
    rows = [_row(entry) for entry in ordered]
    return _template().render(
        lang=lang,
        direction=direction,
        policy=index_policy(),
        style=index_style(),
        script=index_script(),
        rows=rows,
        summary=_summary(ordered),
        verdicts=_choices((row["verdict_key"], row["word"].text) for row in rows),
        owners=_choices((row["owner"], row["owner"]) for row in rows),
        tags=_choices((tag, tag) for row in rows for tag in row["tags"]),
    )


def _sorted(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    by_name = sorted(entries, key=lambda entry: (entry.title.casefold(), entry.experiment))
    latest_first = sorted(by_name, key=lambda entry: entry.as_of or "", reverse=True)
    return sorted(latest_first, key=lambda entry: (entry.run != "failed", entry.is_concluded))


def _row(entry: IndexEntry) -> dict[str, Any]:
    word = words.verdict_word(entry.verdict)
    run = words.RUNS.get(entry.run, words.UNKNOWN)
    tags = [escape.line(tag) for tag in entry.tags]
    text = {
        "experiment": escape.line(entry.experiment),
        "title": escape.line(entry.title),
        "headline": escape.line(entry.headline),
        "owner": escape.line(entry.owner),
        "problem": escape.plain(entry.problem),
    }
    return {
        **text,
        "word": word,
        "verdict_key": entry.verdict or "none",
        "run": run,
        "tags": tags,
        "start": _day(entry.start),
        "end": _day(entry.end) or "open end",
        "as_of": escape.line(moment(entry.as_of)).partition(", ")[::2] if entry.as_of else (),
        "is_concluded": entry.is_concluded,
        "href": _href(entry.report),
        "failed_href": _href(entry.failed_report),
        "search": " ".join([*text.values(), word.text, run.text, *tags]).casefold(),
    }


def _href(path: str | None) -> str:
    return quote(path, safe="/._-~") if path else ""


def _day(when: str | None) -> str:
    return escape.line(moment(when)).partition(",")[0] if when else ""


def _summary(entries: Sequence[IndexEntry]) -> str:
    if not entries:
        return "No experiment yet."
    counted: dict[str, int] = {}
    for entry in entries:
        name = words.verdict_word(entry.verdict).text.lower()
        counted[name] = counted.get(name, 0) + 1
    order = [*(word.text.lower() for word in words.VERDICTS.values()), *counted]
    counts = ", ".join(
        f"{counted[name]} {name}" for name in dict.fromkeys(order) if name in counted
    )
    total = "1 experiment" if len(entries) == 1 else f"{len(entries)} experiments"
    return f"{total}: {counts}"


def _choices(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted({(key, text) for key, text in pairs if key}, key=lambda pair: pair[1].casefold())


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader

    loader = PackageLoader("abtest.report", "templates")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("index.html.j2")
