"""What changed from an earlier run to a later one: one view, shown by the formats beside it."""
