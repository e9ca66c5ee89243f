"""The plan of an audit, its recipe, its results, and the entries from Python."""
