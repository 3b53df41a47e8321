"""JSON Schemas: what editors complete and check, and what readers of verdicts may rely on."""

from __future__ import annotations

from typing import Any

from abtest.experiment.spec import ExperimentSpec
from abtest.experiment.validate import METRIC_KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def experiment_schema() -> Schema:
    """Return the JSON Schema of `experiment.toml`.

    It describes one file: what `defaults.toml` may supply is not required, and a metric may
    `use` a definition instead of having one.
    """
    schema = ExperimentSpec.model_json_schema(by_alias=True)
    definitions: Schema = schema["$defs"]
    for name in ("ExperimentSection", "Variants", "EventsData", "UnitsData", "TotalsData"):
        definitions[name].pop("required", None)  # defaults.toml may hold it
    definitions["UsedMetric"] = _used_metric(definitions)
    properties = schema["properties"]
    properties["data"] = {"anyOf": properties["data"]["oneOf"], **_described(properties["data"])}
    items = properties["metrics"]["items"]
    properties["metrics"]["items"] = {
        "anyOf": [*items["oneOf"], {"$ref": "#/$defs/UsedMetric"}],
    }
    schema["required"] = ["experiment"]
    schema["title"] = "abtest experiment"
    return {"$schema": DIALECT, **schema}


def verdict_schema() -> Schema:
    """Return the JSON Schema of `verdict.json`."""
    from abtest.experiment.document import VerdictDocument

    return {"$schema": DIALECT, **VerdictDocument.model_json_schema(mode="serialization")}


def _described(schema: Schema) -> Schema:
    return {key: schema[key] for key in ("description", "title") if key in schema}


def _used_metric(definitions: Schema) -> Schema:
    """Return the schema of a metric that takes its definition from metrics.toml."""
    properties: Schema = {
        "use": {
            "description": "Id of a definition in experiments/metrics.toml; keys here replace its.",
            "minLength": 1,
            "type": "string",
        }
    }
    for model in METRIC_KINDS.values():
        for key, value in definitions[model.__name__]["properties"].items():
            if key == "kind":
                properties["kind"] = {
                    "description": "Kind of metric.",
                    "enum": list(METRIC_KINDS),
                }
            else:
                properties.setdefault(key, value)
    return {
        "additionalProperties": False,
        "description": "A metric defined in experiments/metrics.toml, with its role here.",
        "properties": properties,
        "required": ["use"],
        "title": "UsedMetric",
        "type": "object",
    }
