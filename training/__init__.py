"""Training of the embedded weights. Not part of the installed package."""
