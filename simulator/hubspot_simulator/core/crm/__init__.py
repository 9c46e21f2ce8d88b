"""CRM objects: one engine for every object type."""
