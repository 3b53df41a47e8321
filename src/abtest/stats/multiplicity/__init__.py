"""Several tests at once: shares of alpha, adjusted p-values, simultaneous intervals."""
