"""The published schemas accept what abtest accepts, and refuse what it refuses."""

from __future__ import annotations

import json
import tomllib
from datetime import date

import jsonschema
import pytest

from abtest.experiment.examples import EVENTS_EXAMPLE, TOTALS_EXAMPLE, UNITS_EXAMPLE
from abtest.experiment.schema import experiment_schema, verdict_schema
from abtest.experiment.starter import EXAMPLE, events_file

from .spec_files import EVENTS, TOTALS, UNITS, changed

FILES = {
    "events": EVENTS, "units": UNITS, "totals": TOTALS, "full events": EVENTS_EXAMPLE,
    "full units": UNITS_EXAMPLE, "full totals": TOTALS_EXAMPLE, "example of init": EXAMPLE,
    "file of new": events_file("new_one", date(2026, 1, 1)),
}  # fmt: skip
WRONG = {
    "unknown key": changed(EVENTS, "margin = 0.08", "margn = 0.08"),
    "unknown table": EVENTS + "[analisis]\n",
    "text for a number": changed(EVENTS, "mde = 0.05", 'mde = "5%"'),
    "unknown role": changed(EVENTS, '"guardrail"', '"guard"'),
    "unknown kind": changed(UNITS, 'kind = "units"', 'kind = "unit"'),
    "name with capitals": changed(UNITS, '"cats"', '"Cats"'),
    "no treatment": changed(UNITS, '["gate_40"]', "[]"),
    "half a window": changed(EVENTS, "[0, 7]", "[7]"),
    "reserved table": UNITS + "[plan]\n",
    "sequential of later": UNITS + '[analysis]\nsequential = "always_valid"\n',
    "metric without id": changed(EVENTS, 'id = "activation"\n', ""),
    "alpha of 5": UNITS + "[analysis]\nalpha = 5\n",
}


def as_json(text):
    return json.loads(json.dumps(tomllib.loads(text), default=lambda value: value.isoformat()))


@pytest.fixture(scope="module")
def validator():
    schema = experiment_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_valid_files_agree_with_the_schema(text, validator):
    validator.validate(as_json(text))


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_wrong_files_do_not(text, validator):
    assert not validator.is_valid(as_json(text))


def test_a_file_that_leaves_data_to_the_defaults_agrees(validator):
    whole = as_json(EVENTS)
    del whole["data"]["kind"], whole["data"]["exposures"]
    validator.validate(whole)


def test_every_key_of_the_schema_is_described():
    lacking = []
    for name, table in experiment_schema()["$defs"].items():
        for key, value in table.get("properties", {}).items():
            if "description" not in value and "$ref" not in value:
                lacking.append(f"{name}.{key}")
    assert lacking == []


def test_the_schema_of_verdicts_is_one():
    schema = verdict_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) >= {"schema_version", "verdict", "effects", "checks"}
    assert "keep_running" in json.dumps(schema)
