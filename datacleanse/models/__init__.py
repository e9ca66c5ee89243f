"""Networks: (B, ...) to logits (B, C)."""
