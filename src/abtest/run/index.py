"""The index of all reports after a run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from abtest.report.index import IndexEntry, write_index
from abtest.run.record import FAILED
from abtest.run.standing import Standing, standings
from abtest.run.task import PAGE


def refresh_index(root: Path, reports: Path) -> Path:
    """Write ``index.html`` over all experiments, failed and never run ones too; return its path."""
    return write_index(reports, [_entry(standing) for standing in standings(root, reports)])


def _entry(standing: Standing) -> IndexEntry:
    state, spec = standing.state, standing.spec
    document = state.document or {}
    about = None if spec is None else spec.experiment
    return IndexEntry(
        experiment=standing.name,
        title=str(document.get("title") or (about.title if about else standing.name)),
        verdict=document.get("verdict"),
        headline=str(document.get("headline", "")),
        run=state.freshness,
        owner=(about.owner or "") if about else "",
        tags=about.tags if about else (),
        start=_iso(about.start) if about else None,
        end=_iso(about.end) if about else None,
        as_of=document.get("as_of"),
        is_concluded=about is not None and about.status == "concluded",
        report=f"{standing.name}/{PAGE}" if (standing.folder / PAGE).is_file() else None,
        problem=standing.problem,
        failed_report=_failed_report(standing),
    )


def _failed_report(standing: Standing) -> str | None:
    page = standing.folder / FAILED / PAGE
    if standing.state.failed is None or not page.is_file():
        return None
    return f"{standing.name}/{FAILED}/{PAGE}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
