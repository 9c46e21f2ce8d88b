"""Runs a program in any language, and the processes that it starts, with the simulator in place of HubSpot."""
