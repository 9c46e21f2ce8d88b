"""The conformance kit: every known token-refresh bug as a scenario that an integration passes or fails.

``suite`` is what a user's test class inherits from. A ``trial`` is one scenario on one integration; ``assess`` runs
it and gives a ``Result``. Nothing is imported here, so that the score card costs nothing.
"""
