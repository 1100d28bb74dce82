"""What benchmarks/models.py measures of each network, and the tables of it."""
