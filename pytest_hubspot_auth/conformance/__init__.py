"""The conformance suite as pytest sees it: the class to inherit from, and the score card in the terminal.

``suite`` is what a user's test class inherits from, ``bench`` gives its scenarios a frozen clock, ``score_card`` reads
the results from pytest's reports. The scenarios are ``hubspot_simulator.lab.conformance``. Nothing is imported here.
"""
