import json
from pathlib import Path

import pytest

from abtest.experiment.document import VerdictDocument

DOCUMENTS = Path(__file__).resolve().parents[1] / "documents"


@pytest.mark.parametrize("path", sorted(DOCUMENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_case_is_a_valid_verdict_document(path):
    VerdictDocument.model_validate(json.loads(path.read_text(encoding="utf-8"))["document"])
