"""Reports of a run: one view, many formats."""
