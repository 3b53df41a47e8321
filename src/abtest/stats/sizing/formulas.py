"""The formulas of power by name, each said in a sentence with its source."""

from __future__ import annotations

from typing import Literal

TestKind = Literal["superiority", "non_inferiority", "equivalence"]
"""What a test is to show: a difference, no loss beyond a margin, no difference beyond margins."""
Judge = Literal["welch", "student", "z", "score", "arcsine"]
"""Which variance and distribution judge the estimate."""
Formula = Literal[
    "noncentral_t_student",
    "noncentral_t_welch",
    "normal_arcsine",
    "normal_score",
    "normal_unpooled",
    "tost_normal_score",
    "tost_normal_unpooled",
    "tost_t_student",
    "tost_t_welch",
]

FORMULAS: dict[Formula, str] = {
    "noncentral_t_student": (
        "noncentral t with n - 2 degrees of freedom, one pooled variance (Johnson & Welch 1940, "
        "Biometrika 31, 362)"
    ),
    "noncentral_t_welch": (
        "noncentral t with Welch's degrees of freedom at the assumed variances (Welch 1947, "
        "Biometrika 34, 28; Moser, Stevens & Watts 1989)"
    ),
    "normal_arcsine": (
        "normal, difference of arcsine square roots (Cohen 1988, Statistical Power Analysis, ch. 6)"
    ),
    "normal_score": (
        "normal, variance under the hypothesis in the test (pooled, or restricted to the margin) "
        "and under the alternative in the estimate (Fleiss 1981; Farrington & Manning 1990, Stat. "
        "Med. 9, 1447)"
    ),
    "normal_unpooled": (
        "normal, unpooled variance of the alternative in test and estimate (Chow, Shao & Wang 2008)"
    ),
    "tost_normal_score": (
        "two one-sided score tests, normal, rejecting together (Farrington & Manning 1990)"
    ),
    "tost_normal_unpooled": "two one-sided normal tests rejecting together (Schuirmann 1987)",
    "tost_t_student": (
        "two one-sided t tests rejecting together, bivariate noncentral t, one pooled variance "
        "(Owen 1965, Biometrika 52, 437)"
    ),
    "tost_t_welch": (
        "two one-sided t tests rejecting together, bivariate noncentral t (Owen 1965, Biometrika "
        "52, 437) with Welch's degrees of freedom"
    ),
}
"""What each formula computes, and where it is from."""

_SUPERIORITY: dict[Judge, Formula] = {
    "welch": "noncentral_t_welch",
    "student": "noncentral_t_student",
    "z": "normal_unpooled",
    "score": "normal_score",
    "arcsine": "normal_arcsine",
}
_EQUIVALENCE: dict[Judge, Formula] = {
    "welch": "tost_t_welch",
    "student": "tost_t_student",
    "z": "tost_normal_unpooled",
    "score": "tost_normal_score",
}


def formula_of(judge: Judge, test: TestKind) -> Formula:
    """Return the formula for a way to judge and a kind of test."""
    return _EQUIVALENCE[judge] if test == "equivalence" else _SUPERIORITY[judge]
