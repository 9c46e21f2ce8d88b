"""``python -m hubspot_simulator``."""

from .cli import main

raise SystemExit(main())
