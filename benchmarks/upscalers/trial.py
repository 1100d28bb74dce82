"""Runs one upscaler on one case, in a process of its own: `python -m upscalers.trial NAME CASE`.

Writes outcome.json into the case's folder, and the luma of the first frame as luma.npy. An upscaler that takes too long
to its first frame ends this process by SIGALRM: compilers can't be interrupted otherwise.
"""

from __future__ import annotations

import importlib
import signal
import sys
import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upscalers import PEERS, timing
from upscalers.case import Case, Outcome, Upscaler

OURS = "uprez"


def main(name: str, case: Case) -> None:
    outcome = Outcome()
    try:
        if name == OURS:
            outcome = _ours(case)
        else:
            _peer(name, case, outcome)
    except Exception as error:
        traceback.print_exc()
        outcome.reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    (case.folder / "outcome.json").write_text(outcome.model_dump_json(), encoding="utf-8")


def _ours(case: Case) -> Outcome:
    from upscalers import ours

    np.save(case.folder / "luma.npy", ours.first_luma(case))
    return ours.outcome(case)


def _peer(name: str, case: Case, outcome: Outcome) -> None:
    """Fill `outcome` step by step, so that measurements before a failure are kept."""
    signal.alarm(case.patience)
    module, function = PEERS[name].maker.split(":")
    upscaler: Upscaler = getattr(importlib.import_module(f"upscalers.{module}"), function)(case)
    outcome.about = upscaler.about
    np.save(case.folder / "luma.npy", _first_luma(upscaler))
    signal.alarm(0)
    outcome.discarded = timing.discarded(upscaler, case.seconds)
    outcome.encoded = timing.encoded(upscaler, case.folder / "result.mkv", case.seconds)


def _first_luma(upscaler: Upscaler) -> NDArray[Any]:
    frame = upscaler.to_av_frame(next(upscaler.frames()))
    return frame.to_ndarray()[: frame.height]


if __name__ == "__main__":
    main(sys.argv[1], Case.model_validate_json(sys.argv[2]))
