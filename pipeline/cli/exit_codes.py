"""How commands end: their exit codes."""

EXIT_BAD = 2  # a bad input, option or environment; one line says what
EXIT_DAMAGED = 3  # done, but the source is damaged or cut off: the result has all of it that could be read
EXIT_SOME = 3  # of live streams: some failed for good, while others went on
EXIT_REFUSED = 4  # all live streams failed for good, one of them for its password: somebody has to look
EXIT_STOPPED = 130  # stopped by the user; live streams end with 0 then, for that is how they end
