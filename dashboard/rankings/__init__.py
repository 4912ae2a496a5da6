"""Insulators and heat spreaders: one page for both, asked and answered in SQL."""
