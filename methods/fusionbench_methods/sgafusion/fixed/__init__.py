"""The network `fixed`: the method's parts, arranged so that they learn from a few hundred pairs.

What is wrong with a frame is read off the whole frame; haze and darkness are undone on the image, by the
physics that made them; and fusion starts from a closed form, which the network corrects.
"""
