"""The models, a file a model, all of one protocol; training and serving share them."""
