"""Ways into an analysis: by name in Python, by run file in an executed notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from abtest.errors import UsageError
from abtest.experiment.analysis import Analysis, Experiment
from abtest.experiment.resolve import Resolved, resolve
from abtest.experiment.run_file import read_run_file


def load(
    source: str | Path | Mapping[str, Any], data: Any = None, *, root: str | Path | None = None
) -> Experiment:
    """Return an experiment by name, by path of its file or as a dict.

    Parameters
    ----------
    source
        Name of a folder in ``experiments/``, path of an ``experiment.toml``, or a mapping of
        the same shape.
    data
        Frames instead of the source that the file names: one frame for units or totals data,
        or a mapping with the keys exposures, events and units for events data.
    root
        Folder of the project; left out: the nearest folder upwards with ``experiments/``.

    Raises
    ------
    SpecError
        With every problem found in the file.
    UsageError
        When there is no such experiment.
    """
    resolved = resolve(
        source, root=None if root is None else Path(root), data_given=data is not None
    )
    return Experiment(resolved, _frames(data, resolved.spec.data.kind))


def open_run(experiment: str, run: str | None = None) -> Analysis:
    """Return the analysis of a report notebook.

    With `run`, the path of a run file that the runner wrote, everything is as resolved
    there. Without it, `experiment` is looked up from the current folder, so that the same
    notebook works when it is opened by hand or executed by papermill alone.
    """
    if run is None:
        return load(experiment).analyze()
    document = read_run_file(Path(run))
    loaded = Experiment(Resolved.from_dict(document["resolved"]))
    return replace(loaded.analyze(document["as_of"]), output=Path(document["output"]))


def _frames(data: Any, kind: str) -> Mapping[str, Any] | None:
    if data is None:
        return None
    if isinstance(data, Mapping):
        return data
    if kind == "events":
        raise UsageError(
            "Events data need two tables.",
            given="one frame",
            todo='Give data={"exposures": frame, "events": frame}.',
        )
    return {kind: data}
