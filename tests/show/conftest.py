"""Verdicts made by hand, one file each in tests/documents, with the notes on their metrics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abtest.show import Page

DOCUMENTS = Path(__file__).resolve().parents[1] / "documents"
CASES = sorted(path.stem for path in DOCUMENTS.glob("*.json"))


def read_case(name: str) -> dict[str, Any]:
    return json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def page() -> Callable[[str], Page]:
    """Function from a case's name to its page."""

    def make(name: str) -> Page:
        case = read_case(name)
        return Page(case["document"], case["notes"])

    return make


@pytest.fixture(params=CASES)
def any_page(request: pytest.FixtureRequest) -> Page:
    """Each of the cases in turn."""
    case = read_case(request.param)
    return Page(case["document"], case["notes"])
