"""Alpha that lies beside the pictures: where there is room for it, and what says that it is there."""

from __future__ import annotations

from pathlib import Path

from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.reading.alpha import ALPHA_MODE_TAG
from pipeline.media.writing.container_support import container_for


def has_room(codec: str, target: Path) -> bool:
    """Whether a result called `target` has room for the alpha that the encoder `codec` gives, if it gives any."""
    return not encoder_spec(codec).alpha_in_side_data or container_for(target).alpha_side_data


def unmark(metadata: dict[str, str]) -> None:
    """Leave out of a new stream's `metadata` what its source says of its own alpha."""
    for key in [key for key in metadata if key.lower() == ALPHA_MODE_TAG]:
        del metadata[key]
