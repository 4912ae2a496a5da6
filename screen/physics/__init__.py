"""Lattice dynamics: arrays and records in, records out; nothing is opened, printed or submitted."""
