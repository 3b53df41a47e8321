"""Quantiles of two arms: of units, of events clustered by unit, and many at once."""
