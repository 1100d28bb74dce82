"""NVDEC, the video decoder of NVIDIA GPUs, through FFmpeg: frames stay in GPU memory.

FFmpeg must work in the device's primary CUDA context, as everything else does here: addresses of another context are
invalid in the kernels. It uses the context that is current in the thread that opens the file.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import UprezError, error_summary
from pipeline.frame import PIXEL_FORMATS, PixelFormat
from pipeline.media.decoding.parallel_contexts import reopen_context
from pipeline.media.reading.input_container import demux, open_input, select_video
from pipeline.media.reading.source import Source
from pipeline.system.cuda import Gpu

FORMAT = "cuda"  # FFmpeg's pixel format of frames in GPU memory
SPARE_SURFACES = 4  # beyond those that the codec refers to; FFmpeg copies frames out of them before it yields them
_OUTPUT_FORMATS = {"yuv420p": "nv12", "nv12": "nv12", "yuv420p10le": "p010le", "p010le": "p010le"}
_LIBRARY = "nvcuvid.dll" if sys.platform == "win32" else "libnvcuvid.so.1"
_CODECS = {"mpeg2video": 1, "h264": 4, "hevc": 8, "vp9": 10, "av1": 11}  # cudaVideoCodec of cuviddec.h
_CHROMA_420 = 1  # cudaVideoChromaFormat_420


class _DecodeCaps(ctypes.Structure):
    """CUVIDDECODECAPS of cuviddec.h, in NVIDIA's Video Codec SDK: the first three fields are input."""

    _fields_ = (
        ("codec", ctypes.c_int),
        ("chroma", ctypes.c_int),
        ("bit_depth_minus_8", ctypes.c_uint),
        ("reserved1", ctypes.c_uint * 3),
        ("is_supported", ctypes.c_ubyte),
        ("engines", ctypes.c_ubyte),  # "number of NVDECs that can support IN params"
        ("output_formats", ctypes.c_ushort),
        ("max_width", ctypes.c_uint),
        ("max_height", ctypes.c_uint),
        ("max_macroblocks", ctypes.c_uint),
        ("min_width", ctypes.c_ushort),
        ("min_height", ctypes.c_ushort),
        ("reserved2", ctypes.c_uint * 11),
    )


def engine_count(gpu: Gpu, codec: str, pixel: PixelFormat) -> int:
    """The number of engines on `gpu` that decode video in parallel, as its driver reports; 1 if it does not.

    Args:
        gpu: The GPU.
        codec: FFmpeg's name of the codec.
        pixel: The pixel format of the video.
    """
    gpu.make_current()
    caps = _DecodeCaps(_CODECS.get(codec, -1), _CHROMA_420, pixel.depth - 8)
    try:
        failed = ctypes.CDLL(_LIBRARY).cuvidGetDecoderCaps(ctypes.byref(caps))
    except (OSError, AttributeError):  # no such library, or no such function in it
        return 1
    return 1 if failed else max(1, caps.engines)


def open_context(source: Source, gpu: Gpu) -> VideoCodecContext:
    """One of several codec contexts that decode the video of `source` on `gpu`."""
    context = reopen_context(source, hardware_accel(gpu))
    context.options = {"extra_hw_frames": str(SPARE_SURFACES)}
    return context


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
        return error_summary(error)
    return None if first is not None and first.format.name == FORMAT else "it does not decode this kind of video"
