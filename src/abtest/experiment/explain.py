"""What every key of an experiment file means: its type, default, limits, and an example."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from abtest.errors import UsageError
from abtest.experiment.examples import EXAMPLES
from abtest.experiment.key_path import KeyPath
from abtest.experiment.locate import key_lines
from abtest.experiment.problems import models_in
from abtest.experiment.project import nearest
from abtest.experiment.reserved import METRIC_KEYS, SETTINGS, TABLES
from abtest.experiment.spec import ExperimentSpec
from abtest.experiment.toml_text import quoted, toml_value

_USE = "Id of a definition in experiments/metrics.toml; keys beside it replace the definition's."
_SCALARS = {
    "str": "text",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "datetime": "date and time with a zone",
}


@dataclass(frozen=True)
class Explanation:
    """A key: what it means and what it may be.

    `kinds` are the kinds of data or metric that have the key; () where all do.
    """

    key: str
    meaning: str
    type: str
    default: str
    allowed: str = ""
    example: str = ""
    kinds: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the explanation as a small page."""
        rows = [("type", self.type), ("default", self.default), ("allowed", self.allowed)]
        rows += [("for kind", ", ".join(self.kinds)), ("example", self.example)]
        lines = [self.key, f"  {self.meaning}", ""]
        return "\n".join(lines + [f"  {name:<9} {text}" for name, text in rows if text])


@cache
def explanations() -> dict[str, Explanation]:
    """Return the explanation of every key, by its path without positions."""
    found: dict[str, Explanation] = {}
    for entry in _walk(ExperimentSpec, (), ()):
        known = found.get(entry.key)
        if known is None:
            found[entry.key] = entry
        else:
            found[entry.key] = replace(known, kinds=(*known.kinds, *entry.kinds))
    use = Explanation("metrics.use", _USE, "text", "none: the metric is defined in place")
    found[use.key] = replace(use, example=_examples().get(use.key, ""))
    every = {key: _kinds_of(key) for key in found}
    return {
        key: replace(entry, kinds=() if set(entry.kinds) == every[key] else entry.kinds)
        for key, entry in found.items()
    }


def explain(key: str) -> Explanation:
    """Return the explanation of a key path such as ``analysis.alpha`` or ``metrics[0].margin``.

    Raises
    ------
    UsageError
        There is no such key, or not yet; the message names the nearest.
    """
    plain = re.sub(r"\[\d*\]", "", key).strip().strip(".").lower()
    known = explanations()
    if plain in known:
        return known[plain]
    last = plain.rsplit(".", 1)[-1]
    if _is_reserved(plain, last):
        raise UsageError(
            "This key is reserved for a later version: not yet.", given=quoted(key), code="not_yet"
        )
    same = [path for path in known if path.rsplit(".", 1)[-1] == last]
    near = " or ".join(quoted(path) for path in same[:4]) or nearest(plain, tuple(known))
    todo = f"Did you mean {near}? " if near else ""
    raise UsageError(
        "There is no such key.",
        given=quoted(key),
        todo=f"{todo}All keys: abtest explain",
        code="no_key",
    )


def _is_reserved(plain: str, last: str) -> bool:
    section = plain.split(".", maxsplit=1)[0]
    return section in TABLES or last in (METRIC_KEYS if section == "metrics" else SETTINGS)


def _walk(
    model: type[BaseModel],
    path: tuple[str, ...],
    kinds: tuple[str, ...],
    above: tuple[type[BaseModel], ...] = (),
) -> Iterator[Explanation]:
    for name, field in model.model_fields.items():
        here = (*path, field.alias or name)
        yield _explanation(field, ".".join(here), kinds)
        for inner in models_in(field.annotation):
            if inner in above:  # conditions may hold conditions
                continue
            kind = inner.model_fields.get("kind")
            own = get_args(kind.annotation) if kind is not None else kinds
            yield from _walk(inner, here, own, (*above, inner))


def _kinds_of(key: str) -> set[str]:
    """Return the kinds of which a key's table is one: those of data, or of metrics."""
    section = key.split(".", maxsplit=1)[0]
    field = ExperimentSpec.model_fields[section]
    kinds = [model.model_fields.get("kind") for model in models_in(field.annotation)]
    return {word for kind in kinds if kind is not None for word in get_args(kind.annotation)}


def _explanation(field: FieldInfo, key: str, kinds: tuple[str, ...]) -> Explanation:
    return Explanation(
        key=key,
        meaning=field.description or "",
        type=_type_words(field.annotation),
        default=_default_words(field),
        allowed=_kind_words(key) or _allowed_words(field),
        example=_examples().get(key) or _elsewhere(key),
        kinds=kinds,
    )


def _kind_words(key: str) -> str:
    if key not in ("data.kind", "metrics.kind"):
        return ""
    field = ExperimentSpec.model_fields[key.split(".", maxsplit=1)[0]]
    models = [model.model_fields.get("kind") for model in models_in(field.annotation)]
    return ", ".join(quoted(get_args(kind.annotation)[0]) for kind in models if kind is not None)


def _type_words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_words(inner[0])
    if origin in (Union, UnionType):
        words = [_type_words(part) for part in inner if part is not NoneType]
        return " or ".join(dict.fromkeys(words))
    if origin is Literal:
        return "text"
    if origin is tuple:
        size = "" if Ellipsis in inner else f" of {len(inner)}"
        return f"list{size}: {_type_words(inner[0])}"
    if origin is dict:
        return f"table of names: {_type_words(inner[1])}"
    name = getattr(annotation, "__name__", "")
    return _SCALARS.get(name, "table")


def _default_words(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see above"
    if field.is_required():
        return "none: the key is needed"
    if field.default is None:
        return "left out"
    if isinstance(field.default, BaseModel):
        return "the defaults of its keys"
    return toml_value(field.default)


def _allowed_words(field: FieldInfo) -> str:
    words = _literals(field.annotation)
    if words:
        return ", ".join(quoted(word) for word in words)
    limits = []
    names = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
    for mark in [*field.metadata, *_marks(field.annotation)]:
        for inner in getattr(mark, "metadata", [mark]):
            limits += [
                f"{text} {getattr(inner, name):g}"
                for name, text in names.items()
                if isinstance(getattr(inner, name, None), (int, float))
            ]
    return ", ".join(dict.fromkeys(limits))


def _literals(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    return next((found for part in get_args(annotation) if (found := _literals(part))), ())


def _marks(annotation: Any) -> Iterator[Any]:
    """Yield what Annotated types inside an annotation carry."""
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for part in get_args(annotation):
        yield from _marks(part)


@cache
def _examples() -> dict[str, str]:
    """Return a line of an example file for every key, by its path without positions."""
    found: dict[str, str] = {}
    for text in EXAMPLES:
        lines = text.split("\n")
        for path, line in key_lines(text).items():
            if isinstance(path[-1], str):
                found.setdefault(_plain(path), _example(path, lines[line - 1]))
    return found


def _elsewhere(key: str) -> str:
    """Return an example of the same key in another table of the section, or ""."""
    section, last = key.split(".", maxsplit=1)[0], key.rsplit(".", 1)[-1]
    if key.count(".") < 2:
        return ""
    found = (
        example
        for path, example in _examples().items()
        if path.startswith(f"{section}.") and path.endswith(f".{last}")
    )
    return next(found, "")


def _example(path: KeyPath, line: str) -> str:
    """Return the line, or for a key inside an inline table that key alone."""
    stated = line.split("=", 1)[0].strip()
    if line.startswith("[") or stated == path[-1] or "=" not in line:
        return line
    value: Any = tomllib.loads(line)[stated]
    for part in path[path.index(stated) + 1 :]:
        value = value[part]
    return f"{path[-1]} = {toml_value(value)}"


def _plain(path: KeyPath) -> str:
    return ".".join(part for part in path if isinstance(part, str))
