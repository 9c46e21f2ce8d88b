"""Waiting while the clock of a test stands still: what stays real, and by choice, what passes simulated time."""
