"""Test rigs of delay.py and soak.py. They use the servers of the tests, which are in the folder above."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
