"""From the store to tables: query, statistics, renderers."""
