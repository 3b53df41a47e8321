"""`python -m abtest` is `abtest`."""

from __future__ import annotations

import sys

from abtest.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
