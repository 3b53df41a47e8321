"""What a report says about an experiment beside its numbers."""

from __future__ import annotations

from datetime import datetime

from abtest.experiment.resolve import Resolved


def page_context(resolved: Resolved) -> dict[str, str]:
    """Return what the experiment file says that a report shows, by name."""
    spec = resolved.spec
    about = spec.experiment
    facts = {
        "Hypothesis": about.hypothesis,
        "Owner": about.owner,
        "Enrolment": _span(about.start, about.end),
        "Timezone": about.timezone,
        "Planned shares": ", ".join(
            f"{name} {share:.4g}" for name, share in spec.variants.allocation.items()
        ),
        "Level": f"alpha = {spec.analysis.alpha:g}, two-sided, {spec.analysis.correction}",
    }
    return {name: text for name, text in facts.items() if text}


def _span(start: datetime | None, end: datetime | None) -> str:
    if start is None and end is None:
        return ""
    return " to ".join("…" if moment is None else moment.isoformat() for moment in (start, end))
