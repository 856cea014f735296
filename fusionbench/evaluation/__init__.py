"""Plan cells, run them, keep every image's row: dataset, degradation, fusion, metrics, store."""
