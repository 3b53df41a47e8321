"""The formulas of power by name, each said in a sentence with its source."""

from __future__ import annotations

from typing import Literal

TestKind = Literal["superiority", "non_inferiority", "equivalence"]
"""What a test is to show: a difference, no loss beyond a margin, no difference beyond margins."""
Judge = Literal["welch", "student", "z", "score", "arcsine"]
"""Which variance and distribution judge the estimate."""
Formula = Literal[
    "cox_information",
    "freedman",
    "lachin_foulkes",
    "log_rank_moments",
    "melded_quantile",
    "noncentral_t_student",
    "noncentral_t_welch",
    "normal_arcsine",
    "normal_score",
    "normal_unpooled",
    "schoenfeld",
    "tost_cox_information",
    "tost_normal_score",
    "tost_normal_unpooled",
    "tost_schoenfeld",
    "tost_t_student",
    "tost_t_welch",
]

FORMULAS: dict[Formula, str] = {
    "cox_information": (
        "normal, logarithm of the hazard ratio with the expected information of Cox's model at "
        "the assumed ratio (Cox 1975, Biometrika 62, 269)"
    ),
    "freedman": (
        "log-rank by number of events, all units at risk alike (Freedman 1982, Stat. Med. 1, 121)"
    ),
    "lachin_foulkes": (
        "normal, difference of exponential hazards, pooled in the test (Lachin & Foulkes 1986, "
        "Biometrics 42, 507)"
    ),
    "log_rank_moments": (
        "normal, mean and variance of the log-rank score summed over the expected times (Lakatos "
        "1988, Biometrics 44, 229; Yung & Liu 2020, Biometrics 76, 939)"
    ),
    "melded_quantile": (
        "chance that exact limits of both quantiles, melded, leave no room for the hypothesis "
        "(Fay, Proschan & Brittain 2015, Biometrics 71, 146) where ranks deviate normally"
    ),
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
    "schoenfeld": (
        "normal, logarithm of the hazard ratio by number of events (Schoenfeld 1981, Biometrika "
        "68, 316; 1983, Biometrics 39, 499)"
    ),
    "tost_cox_information": (
        "two one-sided tests of Cox's model rejecting together, normal with its expected "
        "information (Cox 1975, Biometrika 62, 269; Schuirmann 1987)"
    ),
    "tost_normal_score": (
        "two one-sided score tests, normal, rejecting together (Farrington & Manning 1990)"
    ),
    "tost_normal_unpooled": "two one-sided normal tests rejecting together (Schuirmann 1987)",
    "tost_schoenfeld": (
        "two one-sided normal tests of the hazard ratio by number of events, rejecting together "
        "(Schoenfeld 1983, Biometrics 39, 499; Schuirmann 1987)"
    ),
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
