"""What writes packets into a result."""
