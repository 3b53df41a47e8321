"""Variance reduction: what is known of units before the experiment, taken out of the noise."""
