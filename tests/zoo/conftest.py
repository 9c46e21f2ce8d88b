"""Makes the package ``zoo`` importable, whatever folder pytest was started in."""

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)
