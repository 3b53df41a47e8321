"""Executed notebooks made ready to be kept: same bytes every run; partial ones say so."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from abtest.run.outcome import Failure
from abtest.run.task import INJECTED_TAG

Node = dict[str, Any]
BANNER_TAG = "abtest-incomplete"
_MARKER_TAG = "papermill-error-cell-tag"
_KERNEL_FILE = re.compile(r"[^\s\"'<>]{0,200}ipykernel_\d+[\\/]\d+\.py")
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-fA-F]{6,}")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TEXTUAL = ("text/", "application/json", "application/javascript", "image/svg+xml")


def tidy(notebook: Node, experiment: str, places: Mapping[str, str]) -> Node:
    """Return `notebook` without anything that differs between two runs of it.

    Times, process numbers and absolute places go; cells get the ids ``abtest-1``...; text
    that was printed in pieces is joined; the injected cell gets ``run = None``, so that a
    person who opens the report can execute it. `places` maps absolute paths to what stands
    for them, the longest first.
    """
    result = copy.deepcopy(notebook)
    result["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
        "abtest": {"experiment": experiment, "status": "completed"},
    }
    result["nbformat_minor"] = max(5, result["nbformat_minor"])  # cells have ids from 4.5 on
    result["cells"] = [cell for cell in result["cells"] if _MARKER_TAG not in _tags(cell)]
    for number, cell in enumerate(result["cells"], 1):
        cell["id"] = f"abtest-{number}"
        cell["metadata"] = {
            key: value
            for key, value in cell["metadata"].items()
            if key not in {"papermill", "execution"} and value != []
        }
        _tidy_code(cell, experiment, places)
    return result


def label(notebook: Node, experiment: str, failure: Failure, places: Mapping[str, str]) -> Node:
    """Return the notebook of a failed run, labelled: a banner on top and true cell states.

    papermill calls every cell of a killed or timed-out notebook ``completed`` and the
    notebook free of exceptions; here cells before the failing one are ``completed``, it is
    ``failed`` and the rest ``pending``.
    """
    result = tidy(notebook, experiment, places)
    position = 0
    for cell in result["cells"]:
        if cell["cell_type"] != "code":
            continue
        position += INJECTED_TAG not in _tags(cell)
        cell["metadata"]["abtest"] = {"status": _cell_status(position, cell, failure)}
    result["metadata"]["abtest"] = {
        "experiment": experiment,
        "status": failure.status,
        "code": failure.code,
        "cell": failure.cell,
        "message": replaced(str(failure), places),
    }
    result["cells"].insert(0, _banner(failure, places))
    return result


def replaced(text: str, places: Mapping[str, str]) -> str:
    """Return `text` with absolute places named as a reader of the project knows them."""
    for place, name in places.items():
        text = text.replace(place + "/", "" if name == "." else f"{name}/").replace(place, name)
    return text


def _tags(cell: Node) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _cell_status(position: int, cell: Node, failure: Failure) -> str:
    if failure.cell is None:
        return "completed" if cell.get("execution_count") else "pending"
    if position == failure.cell and INJECTED_TAG not in _tags(cell):
        return "failed"
    return "completed" if position <= failure.cell else "pending"


def _banner(failure: Failure, places: Mapping[str, str]) -> Node:
    """Return the cell that says so; the message stands as code, so that no text in it acts."""
    words = {"timeout": "ran out of time", "interrupted": "was interrupted"}
    did = words.get(failure.status, "failed")
    quoted = "\n".join("    " + line for line in replaced(str(failure), places).splitlines())
    source = f"# ⚠ Incomplete run\n\nThis run {did}. What stands below is not a result.\n\n{quoted}"
    return {
        "cell_type": "markdown",
        "id": "abtest-banner",
        "metadata": {"tags": [BANNER_TAG]},
        "source": source,
    }


def _tidy_code(cell: Node, experiment: str, places: Mapping[str, str]) -> None:
    if cell["cell_type"] != "code":
        return
    if INJECTED_TAG in _tags(cell):
        cell["source"] = f'# Parameters\nexperiment = "{experiment}"\nrun = None\n'
    outputs: list[Node] = []
    for output in cell["outputs"]:
        output.pop("transient", None)
        if output["output_type"] == "stream":
            _add_stream(outputs, output)
        else:
            outputs.append(output)
    cell["outputs"] = [_plain(output, places) for output in outputs]


def _add_stream(outputs: list[Node], output: Node) -> None:
    """Join a piece of text to its stream; the order of two streams is a matter of timing."""
    text = _joined(output["text"])
    streams: list[Node] = []
    while outputs and outputs[-1]["output_type"] == "stream":
        streams.append(outputs.pop())
    for stream in streams:
        if stream["name"] == output["name"]:
            stream["text"] = _joined(stream["text"]) + text
            break
    else:
        streams.append({**output, "text": text})
    outputs.extend(sorted(streams, key=lambda stream: str(stream["name"]), reverse=True))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _plain(output: Node, places: Mapping[str, str]) -> Node:
    """Return `output` with all its text, but not its pictures, made plain."""
    result = dict(output)
    for key in ("text", "evalue", "traceback"):
        if key in result:
            result[key] = _plain_text(result[key], places)
    if "data" in result:
        result["data"] = {
            kind: _plain_text(value, places) if kind.startswith(_TEXTUAL) else value
            for kind, value in result["data"].items()
        }
    return result


def _plain_text(value: object, places: Mapping[str, str]) -> object:
    if isinstance(value, list):
        return [_plain_text(item, places) for item in value]
    if isinstance(value, dict):
        return {key: _plain_text(item, places) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    text = _COLOUR.sub("", value)
    if "ipykernel_" in text:  # else the search takes long in embedded pictures
        text = _KERNEL_FILE.sub("<cell>", text)
    return _ADDRESS.sub("0x", replaced(text, places))
