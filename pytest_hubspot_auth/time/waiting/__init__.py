"""Waiting while a test's clock is frozen: which waits stay real, and which pass simulated time if you choose so."""
