"""What is wrong with a value, in plain words: Pydantic's errors translated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from abtest.experiment.key_path import KeyPath, dotted
from abtest.experiment.project import nearest
from abtest.experiment.spec import ExperimentSpec
from abtest.experiment.toml_text import quoted, shown


@dataclass(frozen=True)
class Finding:
    """Something wrong at a key path; its file and line are looked up later."""

    path: KeyPath
    what: str
    given: str = ""
    todo: str = ""


_TYPES = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "datetime_type": "a date and time with a zone",
    "model_attributes_type": "a table",
}
_LIMITS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


_WORDS = {
    "literal_error": "must be one of the words below",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "too_long": "must have exactly 2 numbers",  # the only list of fixed length is a window
    "missing": "must have exactly 2 numbers",
}


def findings(
    error: ValidationError, model: type[BaseModel], data: object, at: KeyPath
) -> list[Finding]:
    """Return one finding per problem of a table.

    Parameters
    ----------
    error
        What validating `data` against `model` raised.
    model
        The model of the table.
    data
        The table as given.
    at
        Where the table stands in the file.
    """
    details = [
        (_data_path(detail["loc"], detail["type"], data), detail)
        for detail in error.errors(include_url=False)
    ]
    paths = [path for path, _ in details]
    unknown = [path for path, detail in details if detail["type"] == "extra_forbidden"]
    texts: dict[KeyPath, list[Finding]] = {}
    for path, detail in details:
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in paths)
        if detail["type"] in _TYPES and deeper:
            continue  # the other branch of a union: the value has the right type for one of them
        if detail["type"] == "missing" and any(_is_misspelt(path, other) for other in unknown):
            continue  # one mistake, told where it stands
        if detail["type"] != "default_factory_not_called":
            texts.setdefault(path, []).append(_finding(path, dict(detail), model, data, at))
    return [_joined(same) for same in texts.values()]


def _is_misspelt(missing: KeyPath, unknown: KeyPath) -> bool:
    """Return whether an unknown key of the same table is probably meant to be the missing one."""
    same_table = missing[:-1] == unknown[:-1]
    return same_table and bool(nearest(str(unknown[-1]), (str(missing[-1]),)))


def _joined(same: list[Finding]) -> Finding:
    """Return the branches of a union as one finding."""
    prefix = "must be "
    whats = list(dict.fromkeys(finding.what for finding in same))
    if len(whats) > 1 and all(what.startswith(prefix) for what in whats):
        what = prefix + " or ".join(what.removeprefix(prefix) for what in whats)
        return Finding(same[0].path, what, same[0].given, same[0].todo)
    return same[0]


def _data_path(loc: tuple[int | str, ...], kind: str, data: object) -> KeyPath:
    """Return `loc` without Pydantic's names of union branches, which no file contains."""
    path: KeyPath = ()
    value: Any = data
    for depth, part in enumerate(loc):
        last = depth == len(loc) - 1
        if _holds(value, part):
            value = value[part]
        elif not (last and kind == "missing" and isinstance(value, Mapping)):
            continue
        path = (*path, part)
    return path


def _holds(value: object, part: int | str) -> bool:
    if isinstance(value, (list, tuple)):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, Mapping) and part in value


def _finding(
    path: KeyPath, detail: dict[str, Any], model: type[BaseModel], data: object, at: KeyPath
) -> Finding:
    kind, context = detail["type"], detail.get("ctx", {})
    value = _value_at(data, path)
    place = (*at, *path)
    if kind == "extra_forbidden":
        known = keys_of(model_at(model, path[:-1]))
        return unknown_key(place, known)
    if kind == "missing" and isinstance(detail["loc"][-1], str):
        around = f"keys of {dotted(place[:-1])}: " if len(place) > 1 else "keys: "
        table = _value_at(data, path[:-1])
        names = ", ".join(table) if isinstance(table, Mapping) and table else "none"
        return Finding(place, "is missing", around + names, f"Add {_example(model, path)}.")
    own_words = kind in ("no_zone", "unknown_zone")  # raised by the models of spec.py
    what = str(detail["msg"]) if own_words else _what(kind, context)
    todo = _todo(kind, context, value) or f"See: abtest explain {_known_key(place)}".rstrip()
    return Finding(place, what, shown(value), todo)


def _what(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"must be {words} {context[key]:g}"
    if kind == "string_pattern_mismatch":
        return f"may hold only {_letters(str(context['pattern']))}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    return _WORDS.get(kind, "is not valid")


def _letters(pattern: str) -> str:
    words = "small letters a-z, digits and underscores"
    return words + " or hyphens" if "-]" in pattern else words


def _todo(kind: str, context: Mapping[str, Any], value: object) -> str:
    if kind == "literal_error":
        allowed = tuple(re.findall(r"'([^']*)'", str(context["expected"])))
        return _near(str(value), allowed) + f"Allowed: {', '.join(map(quoted, allowed))}."
    if kind in ("datetime_type", "no_zone"):
        return "Write date, time and zone without quotes: 2026-01-05T00:00:00Z"
    if kind == "unknown_zone":
        known = {name.lower(): name for name in available_timezones()}
        near = nearest(str(value), tuple(known)).split(" or ")[0].strip('"')
        hint = f"Did you mean {quoted(known[near])}? " if near else ""
        return hint + 'Write a name of the tz database, such as "Europe/Berlin" or "UTC".'
    if kind in ("bool_type", "int_type", "float_type") and isinstance(value, str):
        return "Write it without quotes."
    return ""


def _known_key(place: KeyPath) -> str:
    """Return the longest part of a path that is a key of experiment files, as it is explained."""
    models: list[type[BaseModel]] = [ExperimentSpec]
    names: list[str] = []
    for part in place:
        if isinstance(part, int):
            continue
        fields = [found for model in models if (found := field_at(model, part)) is not None]
        if not fields:
            break
        names.append(part)
        models = [model for field in fields for model in models_in(field.annotation)]
    return ".".join(names)


def _near(word: str, known: tuple[str, ...]) -> str:
    near = nearest(word, known)
    return f"Did you mean {near}? " if near else ""


def unknown_key(path: KeyPath, known: tuple[str, ...]) -> Finding:
    """Return the finding for a key that does not exist, with the nearest that do."""
    name = str(path[-1])
    hint = _near(name, known) or _home(name)
    return Finding(path, "unknown key", quoted(name), f"{hint}Known here: {', '.join(known)}.")


def _home(name: str) -> str:
    """Return a hint where a key is known that stands in the wrong table, or ""."""
    homes = [section for section in keys_of(ExperimentSpec) if name in _keys_below(section)]
    return f"It belongs to {' or '.join(homes)}. " if homes else ""


def _keys_below(section: str) -> set[str]:
    models = models_in(ExperimentSpec.model_fields[section].annotation)
    return {key for model in models for key in keys_of(model)}


def _example(model: type[BaseModel], path: KeyPath) -> str:
    field = field_at(model_at(model, path[:-1]), str(path[-1]))
    meaning = (field.description or "") if field is not None else ""
    return f"`{path[-1]}`: {meaning.rstrip('.')}" if meaning else f"`{path[-1]}`"


def keys_of(model: type[BaseModel] | None) -> tuple[str, ...]:
    """Return the keys of a model as they stand in a file."""
    if model is None:
        return ()
    return tuple(field.alias or name for name, field in model.model_fields.items())


def field_at(model: type[BaseModel] | None, key: str) -> FieldInfo | None:
    """Return the field of `model` with this key, or None."""
    if model is None:
        return None
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


def model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """Return the model of the table at `path` below `model`, or None."""
    here: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        field = field_at(here, part)
        here = next(models_in(field.annotation), None) if field is not None else None
    return here


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def _value_at(data: object, path: KeyPath) -> object:
    value: Any = data
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
