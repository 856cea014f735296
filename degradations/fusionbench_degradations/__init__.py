"""Degradations: one file a degradation; the order in which they compose lives in the harness."""
