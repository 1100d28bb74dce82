"""What delay.py and soak.py stand on: the servers of the tests, which are found beside this folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
