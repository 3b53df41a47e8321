"""Arms of clusters: robust errors, tests of cluster means, how alike rows of a cluster are."""
