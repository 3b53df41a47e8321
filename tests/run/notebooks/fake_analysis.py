"""Saves a verdict without any statistics; copied into the root of test projects."""

import json
import os
from pathlib import Path


def effect(segment=None):
    """One row of effects, of a segment or of all units."""
    return {
        "metric": "clicks",
        "kind": "mean",
        "role": "primary",
        "direction": "increase",
        "test": "superiority",
        "mde": 0.1,
        "margin": None,
        "margin_absolute": None,
        "variant": "b",
        "control": "a",
        "segment": segment,
        "status": "ok",
        "reason": None,
        "window_days": None,
        "n_control": 2,
        "n_treatment": 2,
        "excluded": {},
        "control_value": 1.5,
        "treatment_value": 2.5,
        "absolute": {"estimate": 1.0, "lower": -0.5, "upper": 2.5},
        "relative": {"estimate": 0.66, "lower": None, "upper": None, "status": "unbounded"},
        "p_value": 0.2,
        "log10_p": -0.7,
        "alpha": 0.05,
        "confidence_level": 0.95,
        "interval": "simultaneous",
        "method": "welch",
        "variance_reduction": None,
        "outcome": None if segment else "improved",
        "warnings": [],
    }


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
        "variants": [
            {"name": "a", "role": "control", "units": 2, "outcome": None},
            {"name": "b", "role": "treatment", "units": 2, "outcome": "ships"},
        ],
        "checks": [],
        "effects": [effect(), effect({"column": "country", "value": "=1+1"})],
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
