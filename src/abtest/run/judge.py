"""Whether what a notebook saved is the verdict of this run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from abtest.experiment.document import VerdictDocument
from abtest.run.outcome import Failure
from abtest.run.task import VERDICT, Task


def judge(task: Task) -> tuple[dict[str, Any] | None, Failure | None]:
    """Return the saved document, or why the run did not succeed.

    Success is a verdict.json that is there, has the right shape and names this run's
    experiment, spec and data; that no cell raised is not enough.
    """
    path = Path(task.staging) / VERDICT
    todo = "the last cell of the notebook must be: analysis.save()"
    try:
        content = json.loads(path.read_bytes())
        document = VerdictDocument.model_validate(content)
    except OSError:
        what = "the notebook ran to its end but saved no verdict.json"
        return None, Failure("no_verdict", what, task.notebook, todo)
    except (ValueError, ValidationError) as error:
        what = "the verdict.json that the notebook saved is not valid"
        return None, Failure("invalid_verdict", what, _first_problem(error), todo)
    expected = {
        "experiment": (document.experiment, task.experiment),
        "spec_sha256": (document.provenance.spec_sha256, task.spec_sha256),
        "data_fingerprint": (document.provenance.data_fingerprint, task.data_fingerprint),
    }
    wrong = [f"{key} {got}, not {due}" for key, (got, due) in expected.items() if got != due]
    if wrong:
        what = "the verdict.json that the notebook saved belongs to another run"
        todo = "if the data changed while it ran, run it again; else open the run with open_run"
        return None, Failure("other_verdict", what, "; ".join(wrong), todo)
    return content, None


def _first_problem(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"
