"""Tables that read the same in HTML, Markdown and plain text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from abtest.show import escape
from abtest.show.fragment import Fragment
from abtest.show.words import Tone, Word


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers align at the end of the line."""

    heading: str
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in one field: raw text, a smaller note under it, an icon before it.

    Text is escaped when the table is written. `tone` only repeats in colour what the words say.
    """

    text: str
    note: str = ""
    icon: str = ""
    tone: Tone | None = None

    @classmethod
    def of(cls, word: Word, note: str = "") -> Cell:
        """Return a cell that shows a state."""
        return cls(word.text, note, word.icon, word.tone)

    def html(self) -> str:
        """Return the content of the field."""
        text = escape.bdi(self.text)
        if self.icon:
            text = (
                f'<span class="abtest-word abtest-{self.tone or "neutral"}">'
                f'<span class="abtest-icon" aria-hidden="true">{escape.html(self.icon)}</span> '
                f"{text}</span>"
            )
        return text + (f" <small>{escape.bdi(self.note)}</small>" if self.note else "")

    def plain(self) -> str:
        """Return the content on one line."""
        text = f"{self.icon} {self.text}" if self.icon else self.text
        return escape.line(f"{text} ({self.note})" if self.note else text)

    def markdown(self) -> str:
        """Return the content with its note in parentheses."""
        return escape.markdown(self.plain())


@dataclass(frozen=True)
class Group:
    """Rows under a common heading; no heading for tables that need none."""

    rows: Sequence[Sequence[Cell]]
    heading: str = ""


@dataclass(frozen=True)
class Table:
    """A caption, columns and groups of rows; the first field of a row is its heading."""

    caption: str
    columns: Sequence[Column]
    groups: Sequence[Group]

    def fragment(self) -> Fragment:
        """Return the table in all three forms; a table without rows is empty."""
        if not any(group.rows for group in self.groups):
            return Fragment("", "", "")
        return Fragment(self._html(), self._text(), self._markdown())

    def _html(self) -> str:
        caption = escape.html(self.caption)
        head = "".join(
            f'<th scope="col"{_numeric(column)}>{escape.html(column.heading)}</th>'
            for column in self.columns
        )
        bodies = "\n".join(self._body(group) for group in self.groups if group.rows)
        return (
            f'<div class="abtest-scroll" tabindex="0" role="region" aria-label="{caption}">\n'
            f"<table>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n"
            f"{bodies}\n</table>\n</div>"
        )

    def _body(self, group: Group) -> str:
        heading = (
            f'<tr class="abtest-group"><th colspan="{len(self.columns)}" scope="rowgroup">'
            f"{escape.bdi(group.heading)}</th></tr>\n"
            if group.heading
            else ""
        )
        rows = "\n".join(self._row(row) for row in group.rows)
        return f"<tbody>\n{heading}{rows}\n</tbody>"

    def _row(self, row: Sequence[Cell]) -> str:
        fields = [f'<th scope="row">{row[0].html()}</th>'] + [
            f"<td{_numeric(column)}>{cell.html()}</td>"
            for column, cell in zip(self.columns[1:], row[1:], strict=True)
        ]
        return f"<tr>{''.join(fields)}</tr>"

    def _text(self) -> str:
        grid = [[column.heading for column in self.columns]]
        grid += [[cell.plain() for cell in row] for group in self.groups for row in group.rows]
        widths = [max(map(_width, column)) for column in zip(*grid, strict=True)]
        lines = [self._line(grid[0], widths), "  ".join("-" * width for width in widths)]
        written = iter(grid[1:])
        for group in self.groups:
            if group.rows and group.heading:
                lines.append(f"[{escape.line(group.heading)}]")
            lines += [self._line(next(written), widths) for _ in group.rows]
        return "\n".join([escape.line(self.caption), *lines])

    def _line(self, fields: Sequence[str], widths: Sequence[int]) -> str:
        padded = []
        for column, text, width in zip(self.columns, fields, widths, strict=True):
            gap = " " * (width - _width(text))
            padded.append(gap + text if column.numeric else text + gap)
        return "  ".join(padded).rstrip()

    def _markdown(self) -> str:
        head = "| " + " | ".join(escape.markdown(c.heading) or " " for c in self.columns) + " |"
        rule = "|" + "|".join("---:" if column.numeric else ":---" for column in self.columns) + "|"
        lines = [f"*{escape.markdown(self.caption)}*", "", head, rule]
        for group in self.groups:
            if group.rows and group.heading:
                blank = " | " * len(self.columns)
                lines.append(f"| **{escape.markdown(group.heading)}**{blank}".rstrip())
            lines += ["| " + " | ".join(c.markdown() for c in row) + " |" for row in group.rows]
        return "\n".join(lines)


def _numeric(column: Column) -> str:
    return ' class="abtest-number"' if column.numeric else ""


def _width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
