"""Reference values and simulated moments for the statistics tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abtest.stats import Moments

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, Any]]:
    """Function from a name to the expected values of tests/reference/NAME.json."""

    def load(name: str) -> dict[str, Any]:
        return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))

    return load


@pytest.fixture(scope="session")
def moments_of_runs() -> Callable[..., list[Moments]]:
    """Function from columns of shape (runs, n) to the moments of every run."""

    def reduce(*columns: np.ndarray) -> list[Moments]:
        values = np.stack(columns, axis=1)
        mean = values.mean(axis=2)
        centred = values - mean[:, :, None]
        m2 = np.einsum("rkn,rln->rkl", centred, centred)
        n = values.shape[2]
        return [Moments(n, mean[run], m2[run]) for run in range(values.shape[0])]

    return reduce
