"""Import of networks that others have made: their conventions are found, and they are rewritten to this project's."""
