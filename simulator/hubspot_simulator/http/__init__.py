"""The wire: one thin module a family of endpoints. Parse, call the core, write."""
