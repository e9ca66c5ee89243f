"""What notebooks show: a result, a comparison, the report, the progress of an audit."""
