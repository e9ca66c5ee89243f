"""Files whole or not at all, mapped arrays, the run folder, the schemas of its files."""
