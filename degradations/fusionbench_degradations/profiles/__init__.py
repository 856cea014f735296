"""Degradations after other people's published formulas, for comparability; one file a profile.

They act on display values, as their papers do, and on the visible image only.
"""
