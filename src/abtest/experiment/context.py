"""What a report says about an experiment beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from abtest.experiment.resolve import Resolved
from abtest.experiment.spec import Variants
from abtest.show.numbers import moment


def page_context(resolved: Resolved) -> dict[str, str]:
    """Return what the experiment file says that a report shows, by name."""
    spec = resolved.spec
    about = spec.experiment
    facts = {
        "Hypothesis": about.hypothesis,
        "Owner": about.owner,
        "Enrolment": _span(about.start, about.end),
        "Timezone": about.timezone,
        "Planned shares": _shares(spec.variants),
        "Level": f"alpha = {spec.analysis.alpha:g}, two-sided, {spec.analysis.correction}",
    }
    return {name: text for name, text in facts.items() if text}


def _shares(variants: Variants) -> str:
    """Return the planned shares, by phase where the allocation changed."""

    def said(allocation: Mapping[str, float]) -> str:
        return ", ".join(f"{name} {share:.4g}" for name, share in allocation.items())

    later = [
        f"from {moment(phase.start.isoformat())} on: {said(phase.allocation)}"
        for phase in variants.phases
    ]
    within = ["arms are compared within each phase"] if later else []
    return "; ".join([said(variants.allocation), *later, *within])


def _span(start: datetime | None, end: datetime | None) -> str:
    if start is None and end is None:
        return ""
    return " to ".join("…" if time is None else time.isoformat() for time in (start, end))
