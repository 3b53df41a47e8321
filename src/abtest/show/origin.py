"""Where the numbers come from, at the foot of a report."""

from __future__ import annotations

from collections.abc import Mapping

from abtest.show import escape
from abtest.show.effect_words import Row
from abtest.show.fragment import Fragment, section
from abtest.show.numbers import moment

NO_EXTRA: Mapping[str, str] = {}


def provenance(document: Row, extra: Mapping[str, str] = NO_EXTRA) -> Fragment:
    """Return what the numbers were made from; `extra` adds facts by name."""
    source = document["provenance"]
    packages = ", ".join(f"{name} {version}" for name, version in source["packages"].items())
    facts = {
        "Experiment": document["experiment"],
        "Data up to": moment(document["as_of"]) if document.get("as_of") else "all data, no times",
        "Specification": source["spec_sha256"],
        "Data": source["data_fingerprint"],
        "Made with": f"abtest {source['abtest']}, Python {source['python']}",
        "Packages": packages,
        "Seed": str(source["seed"]),
        **{name: _dated(fact) for name, fact in extra.items()},
    }
    shown = {name: fact for name, fact in facts.items() if fact}
    rows = "\n".join(
        f"<div><dt>{escape.html(name)}</dt><dd>{escape.bdi(fact)}</dd></div>"
        for name, fact in shown.items()
    )
    return section(
        "Where this comes from",
        Fragment(
            f"<dl>\n{rows}\n</dl>",
            "\n".join(f"{escape.line(name)}: {escape.line(fact)}" for name, fact in shown.items()),
            "\n".join(
                f"- {escape.markdown(name)}: {escape.markdown(fact)}"
                for name, fact in shown.items()
            ),
        ),
        name="provenance",
    )


def _dated(fact: str) -> str:
    """Return a span of ISO times as people write it; other facts are returned as they are."""
    return " to ".join(moment(part) for part in fact.split(" to ")) if fact[:2] == "20" else fact
