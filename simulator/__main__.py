"""``python simulator``: the command line from a bare checkout."""

from hubspot_simulator.cli import main

raise SystemExit(main())
