"""Tasks side by side: how many cores there are, processes of our own, who waits for whom."""
