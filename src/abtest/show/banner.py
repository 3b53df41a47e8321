"""The top of a report: the verdict, the result in one sentence, and why."""

from __future__ import annotations

from collections.abc import Iterable

from abtest.show import escape
from abtest.show.effect_words import Row, labels_of
from abtest.show.fragment import Fragment, join
from abtest.show.numbers import moment
from abtest.show.reason_words import reason_sentence
from abtest.show.words import Word, verdict_word


def headline(document: Row) -> Fragment:
    """Return the verdict as word and icon, the headline, and what limits it."""
    return banner(verdict_word(document["verdict"]), document["headline"], facts(document))


def banner(
    word: Word, sentence: str, chips: Iterable[str] = (), *, name: str = "Verdict"
) -> Fragment:
    """Return a banner of any state, with short facts under its sentence.

    `name` says to who cannot see it what the banner is about.
    """
    short = list(chips)
    items = "".join(f"<li>{escape.bdi(chip)}</li>" for chip in short)
    html = (
        f'<section class="abtest abtest-verdict abtest-{word.tone}" '
        f'aria-label="{escape.html(name)}">\n'
        f'<p class="abtest-badge" aria-hidden="true">{escape.html(word.icon)}</p>\n'
        f"<h2>{escape.html(word.text)}</h2>\n"
        f'<p class="abtest-headline">{escape.bdi(sentence)}</p>\n'
        + (f'<ul class="abtest-facts">{items}</ul>\n' if items else "")
        + "</section>"
    )
    text = "\n".join([str(word), escape.line(sentence), escape.line(" · ".join(short))]).rstrip()
    markdown = f"## {word.icon} {word.text}\n\n**{escape.markdown(sentence)}**"
    if short:
        markdown += "\n\n" + escape.markdown(" · ".join(short))
    return Fragment(html, text, markdown)


def facts(document: Row) -> list[str]:
    """Return what a reader must know beside the headline, a few words each."""
    said = []
    if document.get("as_of"):
        said.append(f"Data up to {moment(document['as_of'])}")
    said.append("Complete" if document["complete"] else "Not complete")
    if document.get("look") is not None:
        said.append(f"Look {document['look']}")
    if document["exploratory"]:
        said.append(f"Exploratory: {_why_exploratory(document)}")
    return said


def reasons(document: Row, notes: Iterable[object]) -> Fragment:
    """Return the reasons of the verdict as a list of sentences."""
    labels = labels_of(notes)
    said = [reason_sentence(reason, labels, document["effects"]) for reason in document["reasons"]]
    if not said:
        return Fragment("", "", "")
    items = "\n".join(f"<li>{escape.bdi(sentence)}</li>" for sentence in said)
    return Fragment(
        f'<section class="abtest abtest-reasons">\n<h3>Why</h3>\n<ul>\n{items}\n</ul>\n</section>',
        "\n".join(["Why:", *(f"  - {escape.line(sentence)}" for sentence in said)]),
        "\n".join(["**Why**", "", *(f"- {escape.markdown(sentence)}" for sentence in said)]),
    )


def hypothesis(text: str) -> Fragment:
    """Return what the experiment set out to show; empty without a text."""
    if not text:
        return Fragment("", "", "")
    return Fragment(
        '<section class="abtest abtest-hypothesis">\n<h3>Hypothesis</h3>\n'
        f"<p>{escape.bdi(text)}</p>\n</section>",
        f"Hypothesis: {escape.line(text)}",
        f"**Hypothesis** {escape.markdown(text)}",
    )


def verdict(document: Row, notes: Iterable[object], hypothesis_text: str = "") -> Fragment:
    """Return the banner with the hypothesis and the reasons under it."""
    return join([headline(document), hypothesis(hypothesis_text), reasons(document, notes)])


def _why_exploratory(document: Row) -> str:
    if any(deviation["decides"] for deviation in document["deviations"]):
        return "departs from the locked plan"
    return "no locked plan"
