"""The formats of a report, one file each; the registry names them."""
