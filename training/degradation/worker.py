"""A process that makes pairs: reads numbers of clips on stdin, and writes each back when its pairs are stored.

    python -m training.degradation.worker FOLDER

It ends with its parent, whose end of the pipe is closed then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from training.degradation.pair_plan import make_clip
from training.degradation.stored_arrays import StoredArrays


def main() -> None:
    os.nice(10)  # the program that uses the pairs goes first
    os.environ["SVT_LOG"] = "1"  # errors only
    stored = StoredArrays.open(Path(sys.argv[1]))
    pictures, (low, high) = stored.pictures(), stored.pairs()
    for line in sys.stdin:
        slots = stored.plan.slots(int(line))
        lows, highs = make_clip(pictures, stored.plan, int(line))
        low[slots.start : slots.stop] = lows[: len(slots)]
        high[slots.start : slots.stop] = highs[: len(slots)]
        print(line.strip(), flush=True)


if __name__ == "__main__":
    main()
