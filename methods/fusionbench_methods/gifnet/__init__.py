"""GIFNet: one network for fusing of all kinds, trained on infrared and on photographic pairs together."""
