"""Fusion metrics: one file a metric, the maths as a pure function, the plugin a thin object after it."""
