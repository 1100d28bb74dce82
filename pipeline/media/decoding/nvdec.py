"""NVDEC, the video decoder of NVIDIA GPUs, through FFmpeg: frames stay in GPU memory.

FFmpeg must work in the device's primary CUDA context, as everything else does here: addresses of another context are
invalid in the kernels. It uses the context that is current in the thread that opens the file.
"""

from __future__ import annotations

from pathlib import Path

import av
import av.error
from av.codec.hwaccel import HWAccel

from pipeline.errors import UprezError
from pipeline.frame import PIXEL_FORMATS, DevicePlane, PixelFormat
from pipeline.media.reading.input_container import demux, open_input, select_video
from pipeline.system.cuda import Gpu

FORMAT = "cuda"  # FFmpeg's pixel format of frames in GPU memory
SPARE_SURFACES = 14  # beyond those that the codec refers to: NVDEC has 32 in all, and fails when none is left
_MAX_QUEUED_SURFACES = 8  # of the spare ones; the others are being copied
_OUTPUT_FORMATS = {"yuv420p": "nv12", "nv12": "nv12", "yuv420p10le": "p010le", "p010le": "p010le"}


def hardware_accel(gpu: Gpu) -> HWAccel:
    """Hardware acceleration on `gpu` for a file that is opened in this thread."""
    gpu.make_current()
    return HWAccel(
        "cuda", allow_software_fallback=True, is_hw_owned=True, options={"primary_ctx": "0", "current_ctx": "1"}
    )


def output_format(pixel: PixelFormat) -> PixelFormat | None:
    """The pixel format in which NVDEC yields video of format `pixel`; None if it is known not to decode it."""
    name = _OUTPUT_FORMATS.get(pixel.name)
    return PIXEL_FORMATS[name] if name else None


def undecodable_reason(path: Path, gpu: Gpu) -> str | None:
    """The reason why NVDEC can't decode the video in `path`, found by decoding its first frame; None if it can."""
    try:
        with open_input(path, hardware_accel(gpu)) as container:
            stream = select_video(path, container)
            if not stream.codec_context.is_hwaccel:
                return f"it does not decode {stream.codec_context.name}"
            with demux(container, stream) as packets:
                first = next((frame for packet in packets for frame in packet.decode()), None)
    except (av.error.FFmpegError, UprezError, OSError, RuntimeError) as error:
        return str(error).splitlines()[0]
    return None if first is not None and first.format.name == FORMAT else "it does not decode this kind of video"


def surface_weight(queue: int) -> int:
    """The number of frames in main memory that a surface counts for in a queue of `queue` frames, as it is scarce."""
    return max(1, -(-queue // _MAX_QUEUED_SURFACES))


def device_planes(frame: av.VideoFrame) -> tuple[DevicePlane, ...]:
    """The planes of a frame in GPU memory."""
    return tuple(DevicePlane(plane.buffer_ptr, plane.line_size) for plane in frame.planes)
