"""Pages: the executed notebook as a report, and the index of all reports."""

from __future__ import annotations

from abtest.report.failed_page import FailedRun, render_failed
from abtest.report.index import IndexEntry, index_page, write_index
from abtest.report.page import render

__all__ = ["FailedRun", "IndexEntry", "index_page", "render", "render_failed", "write_index"]
