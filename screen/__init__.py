"""Thermoscreen: screen crystals for heat management."""
