"""The benchmark: accuracy that the field can check."""
