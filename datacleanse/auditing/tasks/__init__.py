"""What an audit is of: tables, images, a dataset of the user's own."""
