"""Runs a program, whatever its language, so that HubSpot's hosts are a simulator to it and to what it starts."""
