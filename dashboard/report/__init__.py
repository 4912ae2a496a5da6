"""A shortlist as one HTML page that needs nothing else: figures, numbers, provenance, citations."""
