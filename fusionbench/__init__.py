"""fusionbench: the benchmark harness for infrared-visible image fusion under degradation."""

__version__ = "0.1.0"
