"""What the training of the neural watermark is made of: `networks`, `attacks`, `pictures`."""
