"""What the functions of one sample answer: an estimate with its interval, as a sentence too."""

from __future__ import annotations

from dataclasses import dataclass, field

from abtest.show.escape import html, markdown
from abtest.show.fragment import Fragment
from abtest.stats.answer import Answer
from abtest.stats.results import Alternative, Measure, Method, RelativeStatus, WarningCode


@dataclass(frozen=True)
class SampleEstimate(Answer):
    """The estimate of one sample with its interval.

    Attributes
    ----------
    measure
        What is estimated, such as ``ratio`` or ``nps``.
    estimate
        In the unit of the measure; None where it does not exist.
    lower, upper
        Limits of the interval; None where it has no end. With the status ``two_rays`` they are
        the ends of the gap.
    status
        ``bounded``; ``half_line`` for one-sided intervals, and the states of a Fieller set (see
        `RelativeInterval`).
    method
        Name of the method.
    alternative
        ``two-sided``; ``greater`` gives the lower limit alone, ``less`` the upper one.
    confidence_level
        Of the interval.
    n, nulls
        Units used, and units left out because a value was null.
    warnings
        Codes of what a reader should know.
    details
        Further numbers of the method by name.
    """

    measure: Measure
    estimate: float | None
    lower: float | None
    upper: float | None
    status: RelativeStatus
    method: Method
    alternative: Alternative
    confidence_level: float
    n: int
    nulls: int
    warnings: tuple[WarningCode, ...] = ()
    details: dict[str, float] = field(default_factory=dict)

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit; None where there is no end."""
        return self.lower, self.upper

    def __str__(self) -> str:
        """Return the result as a sentence."""
        level = f"{100 * self.confidence_level:.6g}% interval"
        shown = "none" if self.estimate is None else f"{self.estimate:.4g}"
        name = "net promoter score" if self.measure == "nps" else self.measure.replace("_", " ")
        return f"{name[0].upper()}{name[1:]} {shown} ({level} {self._span()}), {self.n:,} units."

    def _span(self) -> str:
        if self.lower is None and self.upper is None:
            return "without limits"
        if self.upper is None:
            return f"{self.lower:.4g} or more"
        if self.lower is None:
            return f"{self.upper:.4g} or less"
        between = f"{self.lower:.4g} to {self.upper:.4g}"
        return f"anything but {between}" if self.status == "two_rays" else between

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        rows = [("method", f"{self.method}, {self.alternative}"), ("state", self.status)]
        rows += [(name.replace("_", " "), f"{value:.6g}") for name, value in self.details.items()]
        if self.nulls:
            rows.append(("units without a value", f"{self.nulls:,}"))
        if self.warnings:
            rows.append(("warnings", ", ".join(self.warnings)))
        cells = "".join(
            f'<tr><th scope="row">{html(name)}</th><td>{html(value)}</td></tr>'
            for name, value in rows
        )
        lines = ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
        text = str(self)
        page = f'<div class="abtest"><p>{html(text)}</p><table>{cells}</table></div>'
        return Fragment(page, text, f"{markdown(text)}\n\n" + "\n".join(lines))
