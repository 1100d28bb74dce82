"""Fixtures of the tests of training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.pictures import scene
from training.pack import PackEntry, write_pack


@pytest.fixture(scope="session")
def pack_parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A pack of two photographs and a drawing to train with, and one of each held out."""
    splits = {"a": "train", "b": "train", "c": "held", "d": "train", "e": "held"}
    pictures = []
    for seed, (name, split) in enumerate(splits.items()):
        content = cv2.imencode(".png", np.ascontiguousarray(scene(seed, (200, 240))[..., ::-1]))[1].tobytes()
        kind = "drawn" if name in "de" else "photo"
        entry = {"name": f"{name}.png", "kind": kind, "split": split, "licence": "CC0-1.0", "source": "drawn here"}
        pictures.append((entry, content))
    return write_pack(tmp_path_factory.mktemp("pack"), map(_entry, pictures), limit=2**24)


def _entry(picture: tuple[dict[str, str], bytes]) -> tuple[PackEntry, bytes]:
    import hashlib

    fields, content = picture
    return PackEntry(sha256=hashlib.sha256(content).hexdigest(), **fields), content  # type: ignore[arg-type]
