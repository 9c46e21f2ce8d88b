"""The state and the rules of a HubSpot, without HTTP."""
