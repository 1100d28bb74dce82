"""Alpha that encoders write beside the frames' packets: which containers store it, and its tag."""

from __future__ import annotations

from pathlib import Path

from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.reading.alpha import ALPHA_MODE_TAG
from pipeline.media.writing.container_support import container_for


def supports_alpha(codec: str, target: Path) -> bool:
    """Return True if the output `target` can store the alpha that the encoder `codec` writes, if it writes any."""
    return not encoder_spec(codec).alpha_in_side_data or container_for(target).alpha_side_data


def remove_alpha_tag(metadata: dict[str, str]) -> None:
    """Remove the tag that describes the source's alpha from a new stream's `metadata`."""
    for key in [key for key in metadata if key.lower() == ALPHA_MODE_TAG]:
        del metadata[key]
