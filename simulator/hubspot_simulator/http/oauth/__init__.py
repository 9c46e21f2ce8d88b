"""OAuth endpoints (docs/fidelity.md, "OAuth")."""
