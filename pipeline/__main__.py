"""`python -m pipeline` is `uprez`, where the package is on the path but not installed."""

from pipeline.cli.start import main

if __name__ == "__main__":
    main()
