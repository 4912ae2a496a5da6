"""The vocabulary: records, settings, seams, errors and units that every layer shares."""
