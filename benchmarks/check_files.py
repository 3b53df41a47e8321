"""How long `abtest check` takes over a hundred experiment files."""

import sys
import tempfile
from pathlib import Path

from abtest.experiment.examples import EVENTS_EXAMPLE, EVENTS_LIBRARY
from benchmarks.timing import Measured, command, medians

FILES = 100
SECONDS = 1.5
NAMED = 'name = "onboarding_checklist"'


def measure() -> list[Measured]:
    """Return the time of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        experiments = project / "experiments"
        for number in range(FILES):
            name = f"experiment_{number:03}"
            (experiments / name).mkdir(parents=True)
            file = experiments / name / "experiment.toml"
            file.write_text(EVENTS_EXAMPLE.replace(NAMED, f'name = "{name}"'), encoding="utf-8")
        (experiments / "metrics.toml").write_text(EVENTS_LIBRARY, encoding="utf-8")
        check = command(Path(sys.executable).parent / "abtest", "check", cwd=project)
        (seconds,) = medians(check, repeats=7)
    return [
        Measured(
            f"`abtest check` of {FILES} valid files, the whole process",
            f"{seconds:.2f} s",
            f"at most {SECONDS} s",
            seconds <= SECONDS,
        )
    ]
