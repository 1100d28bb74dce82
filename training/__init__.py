"""How the embedded weights are made. Not part of the installed package."""
