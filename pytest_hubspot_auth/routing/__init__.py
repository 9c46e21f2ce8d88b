"""How the calls of the code under test reach the simulator, and never the real HubSpot."""
