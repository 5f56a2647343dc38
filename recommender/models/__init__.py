"""The trained models, a file a model; training and serving share them."""
