"""Routes calls of the code under test to the simulator, and keeps them from the real HubSpot."""
