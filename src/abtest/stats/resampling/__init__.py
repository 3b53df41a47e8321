"""Resampling of two arms: bootstraps, permutation tests, whole clusters, any statistic."""
