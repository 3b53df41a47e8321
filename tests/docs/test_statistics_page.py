"""The page of functions leaves none out, and names none that does not exist."""

import inspect
import re
from pathlib import Path

from abtest import stats

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([A-Za-z_]+)`", PAGE))


def test_every_function_and_design_is_named():
    functions = {name for name in stats.__all__ if inspect.isfunction(getattr(stats, name))}
    functions -= {"cupac_predictions", "pooled_slopes"}  # parts of two others
    designs = {name for name in stats.__all__ if name.endswith("Design")}
    assert sorted((functions | designs) - NAMED) == []


def test_names_exist():
    tables = [line for line in PAGE.splitlines() if line.startswith("|")]
    named = {name for line in tables for name in re.findall(r"`([a-z]+_[a-z_]+|[A-Z]\w+)`", line)}
    assert sorted(name for name in named if not hasattr(stats, name)) == []
