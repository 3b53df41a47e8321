"""Saves a verdict without any statistics; copied into the root of test projects."""

import json
import os
from pathlib import Path


def document(run, **changes):
    """Return a valid verdict of the run whose file is `run`, with `changes`."""
    content = json.loads(Path(run).read_text("utf-8"))
    verdict = {
        "schema_version": 1,
        "experiment": content["experiment"],
        "title": content["experiment"],
        "as_of": content["as_of"],
        "complete": True,
        "look": None,
        "exploratory": True,
        "verdict": "ship",
        "headline": f"Ship {content['experiment']}: it works.",
        "recommended_variant": "b",
        "reasons": [],
        "variants": [],
        "checks": [],
        "effects": [],
        "deviations": [],
        "provenance": {
            "spec_sha256": content["resolved"]["sha256"],
            "data_fingerprint": content["data_fingerprint"],
            "abtest": "0",
            "python": "3",
            "packages": {},
            "seed": 0,
        },
    }
    return verdict | changes


def save(run, **changes):
    """Write the verdict where the run file says."""
    folder = Path(json.loads(Path(run).read_text("utf-8"))["output"])
    text = json.dumps(document(run, **changes), indent=2) + "\n"
    (folder / "verdict.json").write_text(text, "utf-8")


def note(name, content):
    """Leave something for the test in the working folder."""
    Path(name).write_text(json.dumps(content), "utf-8")


def pid():
    """Process number of the kernel."""
    return os.getpid()
