"""How commands end: their exit codes."""

EXIT_BAD = 2  # a bad input, option or environment; one line says what
EXIT_DAMAGED = 3  # done, but the source is damaged or cut off: the result has all of it that could be read
EXIT_STOPPED = 130  # stopped by the user
