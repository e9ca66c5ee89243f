"""Wrong numbers among labels: predictions made without a row's own label, and P(wrong | x, y)."""
