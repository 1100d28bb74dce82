"""NVDEC, the decoder of NVIDIA GPUs, through FFmpeg: frames that stay in GPU memory.

FFmpeg must work in the CUDA context that everybody else here uses, the device's primary one, or its addresses would
mean nothing to the kernels; it takes the one that is current in the thread that opens the file.
"""

from __future__ import annotations

from pathlib import Path

import av
import av.error
from av.codec.hwaccel import HWAccel

from pipeline.errors import UprezError
from pipeline.frame import PIXEL_FORMATS, DevicePlane, PixelFormat
from pipeline.media.reading.input_container import open_input, select_video
from pipeline.system.cuda import Gpu

FORMAT = "cuda"  # FFmpeg's name of frames in GPU memory
SPARE_SURFACES = 14  # beyond what the codec itself refers to: NVDEC has 32 in all, and fails when none is left
_WAITING = 8  # of those, as many as may wait in a queue: the rest are in hands
_LAYOUTS = {"yuv420p": "nv12", "nv12": "nv12", "yuv420p10le": "p010le", "p010le": "p010le"}


def hardware_accel(gpu: Gpu) -> HWAccel:
    """What makes FFmpeg decode on `gpu`, for a file that is opened in this thread."""
    gpu.make_current()
    return HWAccel(
        "cuda", allow_software_fallback=True, is_hw_owned=True, options={"primary_ctx": "0", "current_ctx": "1"}
    )


def output_format(pixel: PixelFormat) -> PixelFormat | None:
    """How NVDEC lays out samples of `pixel`; None where it can't decode them, as far as is known without trying."""
    name = _LAYOUTS.get(pixel.name)
    return PIXEL_FORMATS[name] if name else None


def unavailable_reason(path: Path, gpu: Gpu) -> str | None:
    """Why the video in `path` can't be decoded by NVDEC, tried on its first frame; None if it can."""
    try:
        with open_input(path, hardware_accel(gpu)) as container:
            stream = select_video(path, container)
            if not stream.codec_context.is_hwaccel:
                return f"it does not decode {stream.codec_context.name}"
            first = next(iter(container.decode(stream)), None)
    except (av.error.FFmpegError, UprezError, OSError, RuntimeError) as error:
        return str(error).splitlines()[0]
    return None if first is not None and first.format.name == FORMAT else "it does not decode this kind of video"


def queue_weight(queue: int) -> int:
    """How many frames in main memory one of NVDEC's counts for in a queue of `queue` frames, as surfaces are few."""
    return max(1, -(-queue // _WAITING))


def device_planes(picture: av.VideoFrame) -> tuple[DevicePlane, ...]:
    """Where the samples of a frame in GPU memory lie."""
    return tuple(DevicePlane(plane.buffer_ptr, plane.line_size) for plane in picture.planes)
