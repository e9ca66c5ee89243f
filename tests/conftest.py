"""What all tests share."""

from __future__ import annotations

import os

# Tests run side by side, one on each core: threads of their own would only wait for each other.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
