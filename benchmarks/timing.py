"""Median times of calls made in turn, so that a slow minute of the machine meets both sides."""

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Call = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """One promise and what was measured for it."""

    what: str
    figure: str
    promise: str
    kept: bool


def medians(*calls: Call, repeats: int, warm_up: int = 1) -> tuple[float, ...]:
    """Return the median seconds of each call, all made in turn ``repeats`` times."""
    seconds: list[list[float]] = [[] for _ in calls]
    for turn in range(warm_up + repeats):
        for position, call in enumerate(calls):
            start = time.perf_counter()
            call()
            if turn >= warm_up:
                seconds[position].append(time.perf_counter() - start)
    return tuple(statistics.median(each) for each in seconds)


def command(*words: str | Path, cwd: Path | None = None) -> Call:
    """Return a call that runs a program, which must succeed, without its output."""

    def run() -> None:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(
                f"{' '.join(map(str, words))} failed:\n{(done.stdout + done.stderr)[:2000]}"
            )

    return run


def together(commands: Sequence[Sequence[str | Path]], cwd: Path) -> Call:
    """Return a call that runs all programs at the same time; each must succeed."""

    def run() -> None:
        started = [
            subprocess.Popen(words, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for words in commands
        ]
        for words, process in zip(commands, started, strict=True):
            if process.wait() != 0:
                raise SystemExit(f"{' '.join(map(str, words))} failed")

    return run
