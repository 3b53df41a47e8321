"""Effects by segment: whether they differ, how much, and what each is worth."""
