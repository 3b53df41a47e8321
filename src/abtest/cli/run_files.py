"""Results of a run for other programs: JUnit XML for CI, Markdown for job summaries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from abtest.files import write_bytes, write_text
from abtest.run.outcome import RunResult
from abtest.show.escape import line, markdown, plain
from abtest.show.words import verdict_word

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, even escaped."""


def write_junit(path: Path, results: Sequence[RunResult], fail_on: frozenset[str]) -> None:
    """Write one test case per experiment.

    A failed run is an ``error``; a verdict of `fail_on` is a ``failure``; verdict and
    headline are properties of the case.
    """
    failed = [result for result in results if not result.ok]
    refused = [result for result in results if result.verdict in fail_on]
    suite = Xml.Element(
        "testsuite",
        name="abtest",
        tests=str(len(results)),
        errors=str(len(failed)),
        failures=str(len(refused)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        suite.append(_case(result, refused=result in refused))
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    write_bytes(path, Xml.tostring(root, "utf-8", xml_declaration=True) + b"\n")


def _case(result: RunResult, *, refused: bool) -> Xml.Element:
    case = Xml.Element(
        "testcase",
        classname="abtest",
        name=_text(result.experiment),
        time=f"{result.seconds:.3f}",
    )
    properties = Xml.SubElement(case, "properties")
    for name, value in (
        ("status", result.status),
        ("verdict", result.verdict or ""),
        ("headline", result.headline),
    ):
        Xml.SubElement(properties, "property", name=name, value=_text(value))
    if result.failure is not None:
        error = Xml.SubElement(
            case, "error", type=result.failure.code, message=_text(result.failure.what)
        )
        error.text = _text(str(result.failure))
    elif refused:
        message = f"verdict {result.verdict}: {result.headline}"
        Xml.SubElement(case, "failure", type=str(result.verdict), message=_text(message))
    return case


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", plain(text))


def write_summary(path: Path, results: Sequence[RunResult]) -> None:
    """Write a Markdown table of the results, and what went wrong below it."""
    rows = ["# Experiments", "", "| Experiment | Verdict | Result |", "| --- | --- | --- |"]
    for result in results:
        note = " (reused)" if result.status == "reused" else ""
        word = verdict_word(result.verdict)
        rows.append(
            f"| {markdown(result.experiment)} | {word}{note} | {markdown(result.headline)} |"
        )
    for result in results:
        if result.failure is not None:
            # A code block: nothing in a message is markup.
            told = [f"    {line(part)}" for part in str(result.failure).splitlines()]
            rows += ["", f"## {markdown(result.experiment)}", "", *told]
    write_text(path, "\n".join(rows) + "\n")
