"""DenseFuse: an autoencoder with a dense block, whose features are averaged. It can be trained here."""
