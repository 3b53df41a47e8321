"""Errors that tell a person three things: what is wrong, what was given, what to do."""

from __future__ import annotations

from dataclasses import dataclass


class AbtestError(Exception):
    """Anything that abtest itself refuses, in three parts.

    Parameters
    ----------
    what
        What is wrong, as a sentence.
    given
        What was given: the value, file or name that caused it.
    todo
        What to do about it.
    code
        A stable word that machines may branch on.
    """

    def __init__(self, what: str, *, given: str = "", todo: str = "", code: str = "error") -> None:
        super().__init__(what)
        self.what = what
        self.given = given
        self.todo = todo
        self.code = code

    def __str__(self) -> str:
        """Return the three parts, a line each; empty parts are left out."""
        lines = [self.what]
        if self.given:
            lines.append(f"  given: {self.given}")
        if self.todo:
            lines.append(f"  to do: {self.todo}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with all parts, so that worker processes can hand errors on."""
        return (_rebuild, (type(self), dict(self.__dict__)))


def _rebuild(kind: type[AbtestError], state: dict[str, object]) -> AbtestError:
    error = kind.__new__(kind)
    Exception.__init__(error, state.get("what", ""))
    error.__dict__.update(state)
    return error


class UsageError(AbtestError):
    """The caller asked for something that does not exist or cannot be."""


class DataError(AbtestError):
    """The data named by an experiment are missing, unreadable or not what the file says."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in one experiment file.

    `line` is 1-based and None where the problem has no place in the text;
    `key` is the dotted key path, such as ``metrics[1].margin``.
    """

    file: str
    line: int | None
    key: str
    what: str
    given: str
    todo: str

    def __str__(self) -> str:
        """Return ``file:line: key: what`` and the two further parts."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        head = f"{place}: {self.key}: {self.what}" if self.key else f"{place}: {self.what}"
        parts = [head]
        if self.given:
            parts.append(f"  given: {self.given}")
        if self.todo:
            parts.append(f"  to do: {self.todo}")
        return "\n".join(parts)


class SpecError(AbtestError):
    """An experiment file that cannot be used, with every problem found in it.

    `code` is ``invalid_spec``, or ``unreadable_spec`` where the file could not be read as TOML.
    """

    def __init__(self, problems: tuple[Problem, ...], *, code: str = "invalid_spec") -> None:
        count = len(problems)
        files = " and ".join(dict.fromkeys(problem.file for problem in problems))
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in {files}", code=code)
        self.problems = problems

    def __str__(self) -> str:
        """Return every problem in full."""
        return "\n".join(str(problem) for problem in self.problems)
