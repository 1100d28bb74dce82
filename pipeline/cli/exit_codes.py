"""Exit codes of the commands."""

EXIT_BUG = 1  # an unforeseen error; the traceback is printed
EXIT_BAD = 2  # an invalid input, option or environment; one line names it
EXIT_DAMAGED = 3  # done, but the source is damaged or truncated: the output has all of it that can be decoded
EXIT_SOME = 3  # of live streams: some failed permanently, while others went on
EXIT_REFUSED = 4  # all live streams failed permanently, one of them because its password was refused
EXIT_STOPPED = 130  # stopped by a signal; live streams then exit with 0, as that is how they end
