"""Fusion methods: one file a method, named as the registry names it."""
