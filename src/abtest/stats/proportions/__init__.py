"""Comparisons of proportions: score statistics, closed forms, exact tests."""
