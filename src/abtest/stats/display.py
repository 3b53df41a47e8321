"""A comparison for readers: as a sentence, and as a small table in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from abtest.show.escape import html, markdown
from abtest.show.fragment import Fragment
from abtest.stats.results import Alternative, Interval, Measure, RelativeInterval

if TYPE_CHECKING:
    from abtest.stats.comparison import Comparison


_SIDES: Mapping[Alternative, str] = {
    "two-sided": "",
    "greater": ", one-sided: treatment above control",
    "less": ", one-sided: treatment below control",
}
_NAMED: Mapping[Measure, str] = {
    "capped_mean": "Capped mean of treatment",
    "cluster_mean": "Mean of clusters of treatment",
    "geometric_mean": "Geometric mean of treatment",
    "quantile": "Quantile of treatment",
    "trimmed_mean": "Trimmed mean of treatment",
}
"""Measures that would be taken for a plain mean."""


class HasPValue(Protocol):
    """A result of a test."""

    @property
    def p_value(self) -> float:
        """The p-value, 0 where it underflows."""

    @property
    def log10_p(self) -> float:
        """Its logarithm."""


def sentence(result: Comparison) -> str:
    """Return what was found, in one sentence."""
    level = f"{100 * result.confidence_level:.6g}% interval"
    subject = _NAMED.get(result.measure, "Treatment")
    parts = f"{subject} {result.treatment_value:.4g} against control {result.control_value:.4g}: "
    if result.scale == "difference":
        parts += f"difference {result.absolute.estimate:+.4g} ({level} {span(result.absolute)}), "
        parts += _relative(result.relative, "")
    else:
        # values of the arms are shares, the effect is one of their odds
        parts += "odds: " if result.measure == "odds" else ""
        parts += _relative(result.relative, f"{level} ")
    method = f"{result.method}{_SIDES[result.alternative]}"
    return f"{parts}; p = {p_value(result)} ({method}).{warned(result.warnings)}"


def fragment(result: Comparison) -> Fragment:
    """Return the comparison as HTML, Markdown and text."""
    text = str(result)
    rows = "".join(
        f'<tr><th scope="row">{html(name)}</th><td>{html(value)}</td></tr>'
        for name, value in _rows(result)
    )
    page = f'<div class="abtest"><p>{html(text)}</p><table>{rows}</table></div>'
    table = "\n".join(
        ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in _rows(result))]
    )
    return Fragment(page, text, f"{markdown(text)}\n\n{table}")


def warned(warnings: Sequence[str]) -> str:
    """Return a sentence with the codes of warnings, to follow another one; "" for none."""
    return f" Warnings: {', '.join(warnings)}." if warnings else ""


def left_out(nulls: int) -> str:
    """Return a sentence with the units that had no value, to follow another one; "" for none."""
    return f" Units without a value, left out: {nulls:,}." if nulls else ""


def p_value(result: HasPValue) -> str:
    """Return the p-value, as a power of ten where it underflows."""
    return f"{result.p_value:.3g}" if result.p_value > 0.0 else f"1e{result.log10_p:.0f}"


def _rows(result: Comparison) -> list[tuple[str, str]]:
    level = f"{100 * result.confidence_level:.6g}% interval"
    rows = [
        (result.counted, f"{result.n_control:,} control, {result.n_treatment:,} treatment"),
        ("values", f"{result.control_value:.6g} control, {result.treatment_value:.6g} treatment"),
    ]
    if result.scale == "difference":
        rows += [
            ("difference", f"{result.absolute.estimate:+.6g}"),
            (f"difference, {level}", span(result.absolute, "{:.6g}")),
        ]
    if result.relative.estimate is not None:
        rows.append(("relative effect", f"{result.relative.estimate:+.3%}"))
    rows.append((f"relative effect, {level}", relative_set(result.relative)))
    rows.append(("p-value", p_value(result)))
    if result.variance_reduction is not None:
        rows.append(("variance saved", f"{result.variance_reduction:.1%}"))
    rows.append(("method", f"{result.method}, {result.alternative}"))
    rows += [(name.replace("_", " "), f"{value:.6g}") for name, value in result.details.items()]
    if result.nulls_control or result.nulls_treatment:
        nulls = f"{result.nulls_control:,} control, {result.nulls_treatment:,} treatment"
        rows.append(("units without a value", nulls))
    if result.warnings:
        rows.append(("warnings", ", ".join(result.warnings)))
    return rows


def _relative(relative: RelativeInterval, level: str) -> str:
    if relative.estimate is None:
        return f"relative ({relative_set(relative)})"
    return f"relative {relative.estimate:+.2%} ({level}{relative_set(relative)})"


def relative_set(relative: RelativeInterval, form: str = "{:.2%}") -> str:
    """Return the confidence set of a relative effect in words, whichever state it has."""
    if relative.status == "undefined":
        return "no relative effect: control is 0"
    if relative.status == "unbounded":
        return "any relative effect is possible"
    limits = span(relative, form)
    return f"anything but {limits}" if relative.status == "two_rays" else limits


def span(interval: Interval, form: str = "{:.4g}") -> str:
    """Return the limits of an interval in words, also where it has one or none."""
    if interval.lower is None and interval.upper is None:
        return "without limits"
    if interval.upper is None:
        return f"{form.format(interval.lower)} or more"
    if interval.lower is None:
        return f"{form.format(interval.upper)} or less"
    return f"{form.format(interval.lower)} to {form.format(interval.upper)}"
