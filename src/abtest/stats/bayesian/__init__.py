"""Bayesian comparisons: posteriors of arms and effects, and what follows for the decision."""
