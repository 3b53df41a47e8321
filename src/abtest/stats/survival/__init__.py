"""Times to an event: curves, restricted means and rank tests, from distinct times."""
