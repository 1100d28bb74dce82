"""Jobs that survive: finished segments are kept, and the same command continues after the last of them."""
