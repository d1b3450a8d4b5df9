"""Images: what goes into each, how they are built without a registry or a network, and what they are made of."""
