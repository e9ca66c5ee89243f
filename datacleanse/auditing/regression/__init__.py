"""An audit of labels that are numbers: its plan, its recipe, its tables."""
