"""From frames to packets."""
