"""Enhancements of the visible image before fusion: one file each, named as the registry names it."""
