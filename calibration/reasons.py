"""Why promises are not kept, and what to do instead: one paragraph for each section of the page."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "means": (
        "Student's test takes both arms to vary alike: where the smaller arm varies more it is "
        "wrong at any size, which is why Welch's is the default. Welch's t needs an arm's mean "
        "and its variance to be unrelated. In skewed data they are related; with equal arms the "
        "two errors cancel, with 90/10 they do not, and what counts is the smaller arm: 3, 10 or "
        "100 units here. `compare_means` warns of it (`skewed_unequal_arms`). Take equal arms or "
        "more units, cap the values (`compare_capped_means`), or compare how many buy."
    ),
}
"""By the family of the cells; a section that keeps its promises needs none."""
