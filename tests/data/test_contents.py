"""Fingerprints follow the content, and nothing else."""

import json
import os
import stat

import pandas as pd
import pytest

from abtest.data import fingerprint
from abtest.errors import DataError


def test_a_fingerprint_changes_with_content_and_not_with_time(kit, tmp_path):
    settings = kit.units_data(source="part-*.csv")
    kit.write(tmp_path, "part-1.csv", "a\n1\n")
    kit.write(tmp_path, "part-2.csv", "a\n2\n")
    first = fingerprint(settings, tmp_path)
    os.utime(tmp_path / "part-1.csv", ns=(1, 1))
    assert fingerprint(settings, tmp_path) == first
    kit.write(tmp_path, "part-2.csv", "a\n3\n")
    assert fingerprint(settings, tmp_path) != first
    kit.write(tmp_path, "part-2.csv", "a\n2\n")
    assert fingerprint(settings, tmp_path) == first
    kit.write(tmp_path, "part-3.csv", "a\n2\n")
    assert fingerprint(settings, tmp_path) != first


def test_a_known_file_is_not_read_again(kit, tmp_path, monkeypatch):
    settings = kit.units_data(source="x.csv")
    kit.write(tmp_path, "x.csv", "a\n1\n")
    first = fingerprint(settings, tmp_path)
    monkeypatch.setattr("hashlib.sha256", _counting(calls := []))
    assert fingerprint(settings, tmp_path) == first
    assert len(calls) == 1  # the total; no file
    memory = json.loads((tmp_path / ".abtest" / "fingerprints.json").read_text())
    assert len(memory) == 1


def _counting(calls):
    import hashlib

    real = hashlib.sha256

    def counted(*args):
        calls.append(args)
        return real(*args)

    return counted


@pytest.mark.parametrize("memory", ["not json", "[1]", '{"x": 1}'])
def test_a_damaged_memory_is_only_forgotten(kit, tmp_path, memory):
    settings = kit.units_data(source="x.csv")
    kit.write(tmp_path, "x.csv", "a\n1\n")
    first = fingerprint(settings, tmp_path)
    kit.write(tmp_path, ".abtest/fingerprints.json", memory)
    assert fingerprint(settings, tmp_path) == first


def test_a_memory_that_cannot_be_written_changes_nothing(kit, tmp_path):
    settings = kit.units_data(source="x.csv")
    kit.write(tmp_path, "x.csv", "a\n1\n")
    kit.write(tmp_path, ".abtest", "a file where the folder should be")
    assert fingerprint(settings, tmp_path) == fingerprint(settings, tmp_path)
    (tmp_path / ".abtest").chmod(stat.S_IRUSR)


def test_frames_are_known_by_their_content(kit, tmp_path):
    settings = kit.units_data()
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    first = fingerprint(settings, tmp_path, frame)
    assert fingerprint(settings, tmp_path, {"units": frame.copy()}) == first
    assert fingerprint(settings, tmp_path, frame.assign(a=[1, 3])) != first
    assert fingerprint(settings, tmp_path, frame.rename(columns={"a": "c"})) != first


def test_a_missing_file_has_no_fingerprint(kit, tmp_path):
    with pytest.raises(DataError):
        fingerprint(kit.units_data(source="x.csv"), tmp_path)
