"""The conformance scenarios: every known token-refresh bug as something that an integration passes or fails.

A ``trial`` is one scenario on one integration, which a driver drives (``protocols``); ``assess`` runs it and gives a
``Result``, and ``score`` counts the results. No pytest, no freezegun: who calls it brings the clock. Nothing is
imported here, so that the score card costs nothing.
"""
