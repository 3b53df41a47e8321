"""What a reader may expect of every public name of the statistics."""

import inspect

import pytest

import abtest.stats

FUNCTIONS = sorted(
    name for name in abtest.stats.__all__ if inspect.isfunction(getattr(abtest.stats, name))
)
OTHERS = sorted(set(abtest.stats.__all__) - set(FUNCTIONS))
PROMISED = {
    "adjust",
    "bayes_compare",
    "bootstrap",
    "compare_means",
    "compare_proportions",
    "compare_quantiles",
    "compare_ranks",
    "compare_rates",
    "compare_ratios",
    "compare_scores",
    "compare_survival",
    "equivalence",
    "heterogeneity",
    "minimum_detectable_effect",
    "non_inferiority",
    "permutation",
    "power",
    "sample_ratio",
    "sample_size",
}


def test_the_promised_names_are_there():
    assert set(FUNCTIONS) >= PROMISED


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_it_takes_and_refuses_and_shows_an_example(name):
    text = inspect.getdoc(getattr(abtest.stats, name)) or ""
    missing = [
        part for part in ("Parameters\n", "Raises\n", "Examples\n", ">>> ") if part not in text
    ]
    assert not missing


@pytest.mark.parametrize("name", OTHERS)
def test_every_type_says_what_it_is(name):
    assert len(inspect.getdoc(getattr(abtest.stats, name)) or "") > 40


def test_a_subpackage_never_hides_a_function():
    """Importing `abtest.stats.x` sets the attribute x of the package."""
    import pkgutil

    modules = {module.name for module in pkgutil.iter_modules(abtest.stats.__path__)}
    assert not modules & set(abtest.stats.__all__)
