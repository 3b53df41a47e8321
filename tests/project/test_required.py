"""What CI requires may not be skipped: the rules of ``tests/conftest.py`` in a small suite."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SUITE = """
import pytest

def test_program(needs):
    assert needs("a-program-nobody-has")

def test_data(shared_data):
    assert shared_data.is_dir()

def test_whim():
    pytest.skip("on a whim")

@pytest.mark.platform_specific
def test_elsewhere():
    pytest.skip("another system's")
"""


def outcomes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, require: str
) -> dict[str, int]:
    """Outcomes of the small suite under one value of ``ABTEST_REQUIRE``."""
    monkeypatch.setenv("ABTEST_REQUIRE", require)
    monkeypatch.setenv("ABTEST_SHARED", str(pytester.path / "nowhere"))
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nmarkers = platform_specific: may be skipped")
    pytester.makepyfile(SUITE)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider").parseoutcomes()


def test_missing_things_are_skipped_on_a_developers_machine(pytester, monkeypatch):
    assert outcomes(pytester, monkeypatch, "") == {"skipped": 4}


def test_a_required_thing_that_is_missing_fails_and_so_does_a_whim(pytester, monkeypatch):
    required = "a-program-nobody-has,shared"
    assert outcomes(pytester, monkeypatch, required) == {"errors": 1, "failed": 2, "skipped": 1}


def test_what_is_not_on_the_list_may_still_be_missing(pytester, monkeypatch):
    assert outcomes(pytester, monkeypatch, "something-else") == {"failed": 1, "skipped": 3}


def test_a_module_that_skips_itself_fails(pytester, monkeypatch):
    pytester.makepyfile(test_all="import pytest\npytest.skip('no', allow_module_level=True)")
    assert outcomes(pytester, monkeypatch, "something-else") == {"errors": 1}
