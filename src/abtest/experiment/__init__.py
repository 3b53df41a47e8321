"""Experiments: from a file to the verdict that its rule, written down in advance, gives."""
