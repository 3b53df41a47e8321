"""Reading notebooks that failed runs left."""

from abtest.run.tidy import BANNER_TAG


def statuses(notebook: dict) -> list[str]:
    """States of the code cells of a partial notebook."""
    return [
        cell["metadata"]["abtest"]["status"]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def banner(notebook: dict) -> str:
    """Text of the banner on top of a partial notebook."""
    assert notebook["cells"][0]["metadata"]["tags"] == [BANNER_TAG]
    return notebook["cells"][0]["source"]
