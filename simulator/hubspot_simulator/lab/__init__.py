"""What can go wrong: faults, the audit, the sweep and the conformance scenarios. No HTTP, no pytest."""
