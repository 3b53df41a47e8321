"""Every experiment of a project with its last result, for `status` and the index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from abtest.experiment.project import experiment_names
from abtest.experiment.spec import ExperimentSpec
from abtest.run.outcome import Failure
from abtest.run.prepare import prepare
from abtest.run.record import now, read_record
from abtest.run.state import State, last_state


@dataclass(frozen=True)
class Standing:
    """Where one experiment stands.

    `spec` is None and `failure` says why when the experiment cannot be read now; `failure`
    may also name missing data or an unusable notebook.
    """

    name: str
    folder: Path
    state: State
    spec: ExperimentSpec | None
    failure: Failure | None

    @property
    def problem(self) -> str:
        """Why the result is not up to date, in words; empty when it is."""
        said = [*self.state.reasons]
        if self.failure is not None and self.failure.what not in said:
            said.append(self.failure.what)
        return "" if self.state.freshness == "fresh" else "; ".join(said)


def standing(root: Path, name: str, reports: Path) -> Standing:
    """Return where `name` stands; its last result is compared under its own as_of."""
    folder = reports / name
    record = read_record(folder)
    as_of = None if record is None or record.key is None else record.key.as_of
    found = prepare(root, name, folder, as_of)
    if isinstance(found, Failure):
        return Standing(name, folder, last_state(folder, None, "UTC", now()), None, found)
    return Standing(name, folder, found.state, found.resolved.spec, None)


def standings(root: Path, reports: Path) -> list[Standing]:
    """Return where all experiments of the project stand, by name."""
    return [standing(root, name, reports) for name in experiment_names(root)]
