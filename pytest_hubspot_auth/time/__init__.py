"""The clock of a test: freezegun, and what it takes to freeze everything that reads the time."""
