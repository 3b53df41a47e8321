"""Comparisons of means: Welch and its relatives, trimmed, capped and geometric means."""
