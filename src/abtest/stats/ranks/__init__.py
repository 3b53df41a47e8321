"""Two arms by rank: which one tends to be larger, and by how much all values move."""
