"""The semantic branch: an image tower that knows degradations, and what the network learns from it.

`preparation` (what the tower sees) → `towers` → `encoder` (tower and head) → `embedding_cache`;
`low_rank_adaptation` trains the tower of CLIP.
"""
