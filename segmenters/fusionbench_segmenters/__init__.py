"""Segmenters: one file a segmenter, named as the registry names it."""
