"""One file a format in which a gate tells what it found; `registry` names them all."""
