"""Before a notebook is executed: the resolved experiment, its key, and whether to run at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from abtest.data import fingerprint
from abtest.errors import AbtestError, SpecError, UsageError
from abtest.experiment.project import experiment_file
from abtest.experiment.resolve import Resolved, resolve
from abtest.run.key import RunKey, run_key
from abtest.run.notebook import Notebook, find_notebook, read_notebook
from abtest.run.options import RunOptions
from abtest.run.outcome import Failure
from abtest.run.record import now
from abtest.run.state import State, last_state

REPORTS = "reports"
LOCK_FILE = "plan.lock"
UNREADABLE = "unreadable_spec"


@dataclass(frozen=True)
class Prepared:
    """An experiment that can be run: what it is, what it is made from, what is there already."""

    name: str
    folder: Path
    resolved: Resolved
    notebook: Notebook
    key: RunKey
    state: State

    @property
    def concluded(self) -> bool:
        """Whether a plain run skips it."""
        return self.resolved.spec.experiment.status == "concluded"


def reports_folder(root: Path, options: RunOptions) -> Path:
    """Return the absolute folder that the reports of this run are written to."""
    return (options.output_dir or root / REPORTS).absolute()


def prepare(root: Path, name: str, folder: Path, as_of: str | None) -> Prepared | Failure:
    """Return the experiment ready to run, or why it cannot be.

    A file that cannot be used is this experiment's failure and never ends the others.
    """
    try:
        # A name only: a path would let reports be written outside of their folder.
        experiment_file(root, name)
        resolved = resolve(name, root=root)
        return _with_data(root, name, folder, as_of, resolved)
    except (SpecError, UsageError) as error:
        unread = isinstance(error, UsageError) or error.code == UNREADABLE
        return Failure.of(error, "unreadable_experiment" if unread else "invalid_experiment")
    except Exception as error:  # our own fault: the other experiments go on
        what = f"the experiment could not be prepared: {type(error).__name__}: {error}"
        return Failure("internal", what, name, "please report this")


def _with_data(
    root: Path, name: str, folder: Path, as_of: str | None, resolved: Resolved
) -> Prepared | Failure:
    try:
        data = fingerprint(resolved.spec.data, root)
    except AbtestError as error:
        return Failure.of(error, "no_data")
    try:
        notebook = read_notebook(find_notebook(root, name))
    except AbtestError as error:
        return Failure.of(error, "invalid_notebook")
    key = run_key(
        spec=resolved.sha256,
        data=data,
        notebook=notebook.sha256,
        as_of=as_of,
        lock_file=root / "experiments" / name / LOCK_FILE,
    )
    zone = resolved.spec.experiment.timezone
    return Prepared(name, folder, resolved, notebook, key, last_state(folder, key, zone, now()))


def canonical_as_of(text: str | None) -> str | None:
    """Return `text` in one spelling, so that the same moment gives the same key.

    Raises
    ------
    UsageError
        It is not a date or time in ISO 8601, or lies in the future in every zone.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "as_of is not a date or time",
            given=text,
            todo="write it as 2026-01-31 or 2026-01-31T00:00:00+00:00",
            code="invalid_as_of",
        ) from None
    # Without a zone it is read in that of each experiment: the earliest is 14 hours ahead.
    earliest = moment if moment.tzinfo else moment.replace(tzinfo=timezone(timedelta(hours=14)))
    if earliest > now():
        raise UsageError(
            "as_of is in the future",
            given=text,
            todo="give a moment that has passed, or leave it out",
            code="future_as_of",
        )
    return moment.isoformat()
