"""Comparisons of rates of events: Poisson score and exact, quasi-Poisson, negative binomial."""
