"""Designs as the reference files write them."""

from collections.abc import Callable
from typing import Any

import pytest

from abtest.stats import (
    Clusters,
    DecisionRule,
    MeansDesign,
    ProportionsDesign,
    RateDesign,
    RatioDesign,
)

KINDS = {
    "means": MeansDesign,
    "proportions": ProportionsDesign,
    "rates": RateDesign,
    "ratios": RatioDesign,
}


@pytest.fixture(scope="session")
def design_of() -> Callable[..., Any]:
    """Function from the settings in a reference file to a design."""

    def build(written: dict[str, Any], allocation: list[float] | None = None) -> Any:
        settings = dict(written)
        kind = KINDS[settings.pop("kind")]
        if "rule" in settings:
            settings["rule"] = DecisionRule(*settings["rule"])
        if "clusters" in settings:
            settings["clusters"] = Clusters(**settings["clusters"])
        if isinstance(settings.get("margin"), list):
            settings["margin"] = tuple(settings["margin"])
        if allocation is not None:
            settings["allocation"] = allocation
        return kind(**settings)

    return build
