"""From the name of an experiment to its frozen spec, which knows where each value came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abtest.errors import Problem, SpecError, UsageError
from abtest.experiment.companions import add_companions
from abtest.experiment.definitions import METRICS_FILE, use_definitions
from abtest.experiment.documents import Document, read_document
from abtest.experiment.key_path import KeyPath, dotted
from abtest.experiment.merge import Merged, merge
from abtest.experiment.problems import Finding
from abtest.experiment.project import EXPERIMENT_FILE, EXPERIMENTS, experiment_file, find_root
from abtest.experiment.roles import use_roles
from abtest.experiment.rules import doubts
from abtest.experiment.spec import ExperimentSpec
from abtest.experiment.validate import validate, validate_definitions

DEFAULTS_FILE = "defaults.toml"
SHARED_FILES = (f"{EXPERIMENTS}/{DEFAULTS_FILE}", f"{EXPERIMENTS}/{METRICS_FILE}")
"""Files whose mistakes are those of every experiment that they concern, as problems name them."""
_ARGUMENT = "argument"


class Origins(Mapping[str, str]):
    """Key path of every value -> where it came from; lines are looked up when first asked."""

    def __init__(self, leaves: Mapping[str, KeyPath], merged: Merged) -> None:
        self._leaves = leaves
        self._merged = merged

    def __getitem__(self, key: str) -> str:
        return _origin(self._leaves[key], self._merged)

    def __iter__(self) -> Iterator[str]:
        return iter(self._leaves)

    def __len__(self) -> int:
        return len(self._leaves)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]  # a mapping that compares by content

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True)
class Resolved:
    """An experiment, ready to be analysed.

    Attributes
    ----------
    spec
        Every value, validated.
    origins
        Key path -> ``experiment.toml:14``, ``defaults.toml:3``, ``metrics.toml:22``,
        ``argument`` (handed over in Python) or ``default``.
    sha256
        Hash of the spec's values, whatever the order or notation they were written in.
    root
        Folder that paths in the spec are relative to.
    path
        The experiment file; None for a mapping.
    warnings
        What is allowed but probably not meant.
    """

    spec: ExperimentSpec
    origins: Mapping[str, str]
    sha256: str
    root: Path
    path: Path | None
    warnings: tuple[Problem, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, from which `from_dict` makes an equal object."""
        return {
            "spec": spec_values(self.spec),
            "origins": dict(self.origins),
            "sha256": self.sha256,
            "root": str(self.root),
            "path": None if self.path is None else str(self.path),
            "warnings": [asdict(warning) for warning in self.warnings],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Resolved:
        """Return the object that `to_dict` described.

        Raises
        ------
        UsageError
            The values are not those that were written: their hash differs.
        """
        spec = ExperimentSpec.model_validate_json(json.dumps(values["spec"]))
        if spec_sha256(spec) != values["sha256"]:
            raise UsageError(
                "The resolved experiment was changed after it was written.",
                given=str(values["sha256"]),
                todo="Run the experiment again.",
                code="changed_spec",
            )
        path = values["path"]
        return cls(
            spec=spec,
            origins=dict(values["origins"]),
            sha256=values["sha256"],
            root=Path(values["root"]),
            path=None if path is None else Path(path),
            warnings=tuple(Problem(**warning) for warning in values["warnings"]),
        )


def spec_values(spec: ExperimentSpec) -> dict[str, Any]:
    """Return the spec's values for JSON: what has no value is left out, as in a file."""
    return spec.model_dump(mode="json", exclude_none=True, by_alias=True)


def spec_sha256(spec: ExperimentSpec) -> str:
    """Return the hash of the spec's values; the order of keys does not count."""
    text = json.dumps(spec_values(spec), ensure_ascii=False, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def resolve(
    source: str | Path | Mapping[str, Any], root: Path | None = None, *, data_given: bool = False
) -> Resolved:
    """Return the experiment named by `source`, merged with the project's defaults.

    Parameters
    ----------
    source
        Name of an experiment, path of its file or folder, or its values.
    root
        Folder of the project; left out: the nearest one upwards with `experiments/`.
    data_given
        The data are handed over in Python, so the experiment may name no source.

    Raises
    ------
    SpecError
        With every problem found: file, line, key path, what was given, what to do.
    UsageError
        There is no such experiment, or no project.
    """
    if isinstance(source, Mapping):
        nearest = Path(root).resolve() if root is not None else _root_or_none(None)
        document = Document("the given values", source)
        return _resolve(document, nearest or Path.cwd(), None, data_given=data_given)
    path, folder = _find(source, root)
    document = read_document(path, _name(path, folder))
    return _resolve(document, folder, path, data_given=data_given)


def check_definitions(root: Path) -> tuple[Problem, ...]:
    """Return what is wrong with the project's metrics.toml, whether an experiment uses it or not.

    Raises
    ------
    SpecError
        The file cannot be read.
    """
    library = _optional(root, METRICS_FILE)
    if library is None:
        return ()
    return _problems(validate_definitions(library.data), merge(None, library), library)


def _find(source: str | Path, root: Path | None) -> tuple[Path, Path]:
    """Return the experiment file and the project's root."""
    if isinstance(source, str) and not _looks_like_path(source):
        folder = Path(root).resolve() if root is not None else find_root()
        return experiment_file(folder, source), folder
    path = Path(source).resolve()
    if path.is_dir() and (path / EXPERIMENT_FILE).exists():
        path = path / EXPERIMENT_FILE
    nearest = Path(root).resolve() if root is not None else _root_or_none(path.parent)
    return path, nearest or path.parent


def _looks_like_path(source: str) -> bool:
    return "/" in source or "\\" in source or source.endswith(".toml")


def _root_or_none(start: Path | None) -> Path | None:
    try:
        return find_root(start)
    except UsageError:
        return None


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _optional(root: Path, name: str) -> Document | None:
    path = root / EXPERIMENTS / name
    return read_document(path, f"{EXPERIMENTS}/{name}") if path.exists() else None


def _resolve(document: Document, root: Path, path: Path | None, *, data_given: bool) -> Resolved:
    if not document.data:
        todo = "Write one with: abtest new NAME"
        raise SpecError((Problem(document.name, None, "", "the file is empty", "no keys", todo),))
    inside = path is not None and path.parent.parent == root / EXPERIMENTS
    try:
        merged = merge(_optional(root, DEFAULTS_FILE), document)
        unknown = use_definitions(merged, _optional(root, METRICS_FILE))
        unknown += use_roles(merged)
        add_companions(merged)
        spec, found = validate(
            merged.data,
            own=document.data,
            data_given=data_given,
            folder=path.parent.name if inside and path is not None else None,
        )
    except RecursionError:
        what, todo = "the values are nested too deeply", "Write flat tables."
        given = "tables within tables"
        raise SpecError((Problem(document.name, None, "", what, given, todo),)) from None
    if spec is None or unknown:
        raise SpecError(_problems([*unknown, *found], merged, document))
    return Resolved(
        spec=spec,
        origins=Origins({dotted(leaf): leaf for leaf in _leaves(spec)}, merged),
        sha256=spec_sha256(spec),
        root=root,
        path=path,
        warnings=_problems(doubts(spec.experiment, spec.metrics), merged, document),
    )


def _problems(found: list[Finding], merged: Merged, document: Document) -> tuple[Problem, ...]:
    """Return the findings with file and line, in the order of the file, each once."""
    problems = []
    for finding in found:
        source, path = merged.place(finding.path) or (document, ())
        key, line = dotted(path or finding.path), source.line(path)
        given = finding.given or "nothing"
        problems.append(Problem(source.name, line, key, finding.what, given, finding.todo))
    problems.sort(key=lambda problem: (problem.file != document.name, problem.line or 0))
    return tuple(dict.fromkeys(problems))


def _leaves(spec: ExperimentSpec) -> Iterator[KeyPath]:
    """Yield the path of every value; a list of plain values is one value."""
    yield from _below((), spec.model_dump(mode="json", by_alias=True))


def _below(path: KeyPath, value: object) -> Iterator[KeyPath]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _below((*path, key), inner)
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for position, inner in enumerate(value):
            yield from _below((*path, position), inner)
    else:
        yield path


def _origin(path: KeyPath, merged: Merged) -> str:
    if path not in merged.sources:
        return "default"
    document, inner = merged.sources[path]
    if not document.text:
        return _ARGUMENT
    return f"{document.short}:{document.line(inner)}"
