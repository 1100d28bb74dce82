"""HDR as light in cd/m2: transfer functions, scenes with known samples, methods to enlarge them, and error measures."""
