"""What an analysis loads: every module costs time in every kernel."""

import json
import subprocess
import sys

CODE = """
import json, sys
import abtest
data = {"variant": ["a", "a", "b", "b"] * 500, "clicks": [1, 2, 2, 3] * 500}
import pyarrow
spec = {
    "experiment": {"name": "light", "title": "Light"},
    "variants": {"control": "a", "treatments": ["b"]},
    "data": {"kind": "units", "source": "units.parquet", "variant": "variant"},
    "metrics": [{"id": "clicks", "kind": "mean", "value": "clicks", "role": "primary",
                 "direction": "increase", "mde": 0.1}],
}
analysis = abtest.load(spec, data=pyarrow.table(data)).analyze()
analysis.to_dict()
for part in (analysis.show.headline, analysis.show.trust, analysis.show.effects):
    part()._repr_mimebundle_()
print(json.dumps(sorted(sys.modules)))
"""
NEEDLESS = {
    "scipy.optimize",  # for rare proportions only
    "scipy.stats",
    "statsmodels",
    "matplotlib",  # for pictures only
    "IPython",
    "nbformat",
    "papermill",
}


def test_an_analysis_without_pictures_loads_what_it_needs_only():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "duckdb" in loaded
    assert loaded & NEEDLESS == set()
