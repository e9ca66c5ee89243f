"""`run.json`, the manifest of a run: what it holds, its versions, how it is read and written."""
