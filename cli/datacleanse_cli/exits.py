"""Exit codes."""

DONE = 0
OVER_LIMIT = 1
"""``--fail-over`` of an audit, or a threshold of a gate, was exceeded."""
WRONG_INPUT = 2
"""The input or the command line is wrong."""
STOPPED = 3
"""Stopped on request."""
BUG = 70
"""A bug in the program (sysexits.h: EX_SOFTWARE)."""
