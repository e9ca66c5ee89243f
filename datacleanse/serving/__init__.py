"""A finished model opened, predicting, exported."""
