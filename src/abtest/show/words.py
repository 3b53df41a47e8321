"""The word and icon of everything that has a state; colour only repeats what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "warn", "info", "neutral"]


@dataclass(frozen=True)
class Word:
    """A state for readers: icon, word, and the tone that colours may repeat."""

    icon: str
    text: str
    tone: Tone

    def __str__(self) -> str:
        """Return icon and word."""
        return f"{self.icon} {self.text}"


UNKNOWN = Word("?", "Unknown", "neutral")

VERDICTS: dict[str, Word] = {
    "ship": Word("✓", "Ship", "good"),
    "do_not_ship": Word("✕", "Do not ship", "bad"),
    "keep_running": Word("▶", "Keep running", "info"),
    "inconclusive": Word("?", "Inconclusive", "neutral"),
    "invalid": Word("!", "Invalid", "warn"),
}
NO_VERDICT = Word("!", "No verdict", "bad")

OUTCOMES: dict[str, Word] = {
    "improved": Word("✓", "Improved", "good"),
    "within_margin": Word("✓", "Within margin", "good"),
    "harmed": Word("✕", "Harmed", "bad"),
    "excluded": Word("–", "Gain ruled out", "neutral"),
    "unclear": Word("?", "Unclear", "neutral"),
}
NOT_COMPUTED = Word("–", "Not computed", "neutral")
NOT_JUDGED = Word("·", "Not judged", "neutral")
UNTRUSTWORTHY = Word("!", "Untrustworthy", "warn")
PROVISIONAL = Word("·", "Too early", "neutral")

ARMS: dict[str, Word] = {
    "ships": Word("✓", "Ships", "good"),
    "harmed": Word("✕", "Harmed", "bad"),
    "no_gain": Word("–", "No gain", "neutral"),
    "open": Word("?", "Open", "neutral"),
}

CHECKS: dict[str, Word] = {
    "pass": Word("✓", "Passed", "good"),
    "warn": Word("!", "Warning", "warn"),
    "fail": Word("✕", "Failed", "bad"),
    "not_computed": NOT_COMPUTED,
}

RUNS: dict[str, Word] = {
    "fresh": Word("✓", "Up to date", "good"),
    "stale": Word("!", "Out of date", "warn"),
    "failed": Word("✕", "Run failed", "bad"),
    "never": Word("·", "Never run", "neutral"),
}

ENDINGS: dict[str, Word] = {
    "failed": Word("✕", "This run failed", "bad"),
    "timeout": Word("✕", "This run ran out of time", "bad"),
    "interrupted": Word("✕", "This run was interrupted", "bad"),
}
"""How a run ended that made no verdict."""

CHECK_NAMES: dict[str, str] = {
    "sample_ratio": "Sample ratio",
    "allocation_drift": "Allocation over time",
    "crossover": "Units in two variants",
    "units": "Enough units",
    "unknown_variant": "Unknown variants",
    "missing_values": "Missing values",
    "exposure_without_events": "Units without events",
    "immature": "Open windows",
    "late_data": "Late data",
    "future_times": "Times in the future",
    "duplicates": "Duplicates",
    "lock": "Locked plan",
}

ROLES: dict[str, str] = {
    "primary": "Primary: decides",
    "guardrail": "Guardrail: must not get worse than its margin",
    "secondary": "Secondary: reported, never decides",
    "diagnostic": "Diagnostic: reported, never decides",
}

EXCLUSIONS: dict[str, str] = {
    "immature": "Window not closed",
    "outside": "Not of the group that the metric is about",
    "crossover": "Seen in two variants",
    "missing": "No value",
}

METHODS: dict[str, str] = {
    "welch": "Welch",
    "welch_cuped": "Welch with CUPED",
    "post_stratified": "Welch within strata",
    "post_stratified_cuped": "Welch within strata, with CUPED",
    "delta": "Delta method",
    "delta_cuped": "Delta method with CUPED",
    "delta_post_stratified": "Delta method within strata",
    "delta_post_stratified_cuped": "Delta method within strata, with CUPED",
    "kaplan_meier": "Kaplan–Meier",
    "lawless_nadeau": "Mean cumulative function (Lawless–Nadeau)",
    "melded": "Exact limits by ranks, melded",
    "miettinen_nurminen": "Miettinen–Nurminen score",
    "nps_adjusted_wald": "Normal, three answers added",
    "nps_wald": "Normal",
}

SAVERS: dict[str, str] = {
    "welch_cuped": "CUPED",
    "post_stratified": "strata",
    "post_stratified_cuped": "strata and CUPED together",
    "delta_cuped": "CUPED",
    "delta_post_stratified": "strata",
    "delta_post_stratified_cuped": "strata and CUPED together",
}
"""What takes variance off the difference, by method."""

DIRECTIONS: dict[str, str] = {"increase": "higher is better", "decrease": "lower is better"}


def verdict_word(code: str | None) -> Word:
    """Return the word of a verdict; "No verdict" if there is none."""
    return NO_VERDICT if code is None else VERDICTS.get(code, UNKNOWN)


def check_word(status: str) -> Word:
    """Return the word of a check's status."""
    return CHECKS.get(status, UNKNOWN)


def check_name(check: str) -> str:
    """Return a check's name for readers."""
    return CHECK_NAMES.get(check, readable(check))


def method_name(method: str | None) -> str:
    """Return a method's name for readers."""
    return "" if method is None else METHODS.get(method, readable(method))


def readable(identifier: str) -> str:
    """Return an identifier as words.

    Examples
    --------
    >>> readable("sessions_per_unit")
    'Sessions per unit'
    """
    words = identifier.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
