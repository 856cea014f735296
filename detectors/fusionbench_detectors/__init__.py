"""Detectors: one file a detector, named as the registry names it."""
