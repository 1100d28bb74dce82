"""What will be done with a file, decided before the first frame: MediaInfo + Settings + ModelSpec → Plan."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline import budget, cuda, machine
from pipeline.errors import BackendError, OutputError, UprezError
from pipeline.frame import FrameFormat, plain_name
from pipeline.media import nvdec
from pipeline.media.encode import VideoEncoding, encodable_format, encoder, refusal
from pipeline.media.probe import MediaInfo, probe
from pipeline.media.sink import ISO_SUFFIXES
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.settings import Settings
from pipeline.superres import flavour
from pipeline.superres.session import check_size

# Visually lossless or nearly so, at the speed that each encoder's own users call medium.
_QUALITY: dict[str, dict[str, str]] = {
    "libx264": {"crf": "17", "preset": "medium"},
    "libx265": {"crf": "18", "preset": "medium"},
    "libsvtav1": {"crf": "24", "preset": "6"},
    "h264_nvenc": {"cq": "19", "preset": "p5", "rc": "vbr", "b": "0"},
    "hevc_nvenc": {"cq": "20", "preset": "p5", "rc": "vbr", "b": "0"},
}
_QUALITY_OPTION = {"h264_nvenc": "cq", "hevc_nvenc": "cq"}  # else crf
_NVENC_H264_SIDE = 4096  # beyond, it encodes H.265 only
# A rule of thumb for the disk estimate: x264 at crf 17 spends about this much on film; each 6 steps of crf halve it.
_BITS_PER_PIXEL, _CRF_HALVING, _USUAL_CRF = 0.12, 6, 17
_DECODER_FRAMES = 20  # that FFmpeg's decoders keep at work, roughly
_OTHER_QUALITY = ("qp", "b", "q")  # options that say quality in another way than crf
_MANY_CORES = 8  # that decode faster than NVDEC does
_FRAMES_GUESSED = 0.02  # how far off the number of frames may be where a container does not tell it
_PROCESS_BYTES = 200_000_000  # Python, FFmpeg and ONNX Runtime before the first frame
_CUDA_BYTES = 700_000_000  # the CUDA libraries and TensorRT in main memory
_FOR_GPUS = ("engine", "precision", "device", "vram")  # settings
_PASSED_ALONG = ("audio", "subtitle", "attachment")


@dataclass(frozen=True)
class Plan:
    """A job, ready to run.

    backend: "tensorrt" or "onnx". decoder: "software" or "nvdec". decoded: what frames are as they leave it.
    also: indices of the streams that are copied. shift: seconds added to all times.
    notes: what a user should know, a line each. memory, video_memory (of each GPU), disk: estimates in bytes.
    """

    media: MediaInfo
    target: Path
    settings: Settings
    model: ModelSpec
    backend: str
    decoder: str
    decoded: FrameFormat
    encoding: VideoEncoding
    also: frozenset[int]
    shift: Fraction
    notes: tuple[str, ...]
    memory: int
    video_memory: int
    disk: int | None


def choose_backend(settings: Settings) -> tuple[str, str | None]:
    """The backend to use, and a note where a GPU is there but can't be used. Raises BackendError if it was named."""
    if settings.backend == "onnx":
        return "onnx", None
    missing = cuda.problem()
    if missing is None and not flavour.installed():
        missing = f"TensorRT is not installed: {flavour.INSTALL['rtx']}"
    if missing is None:
        return "tensorrt", None
    if settings.backend == "tensorrt":
        raise BackendError(f"--backend tensorrt: {missing}; or use --backend onnx")
    gpu_is_here = Path("/proc/driver/nvidia/version").exists()
    return "onnx", f"an NVIDIA GPU is here but not used: {missing}" if gpu_is_here else None


def choose_model(settings: Settings, backend: str) -> ModelSpec:
    """The model that the settings name, in the form that suits the backend: CPUs are slower at less than fp32."""
    if backend == "onnx":
        return catalogue.find(settings.model, np.float32)
    return catalogue.find(settings.model, np.float16 if settings.precision == "auto" else settings.precision)


def choose_decoder(media: MediaInfo, settings: Settings, backend: str) -> tuple[str, FrameFormat, str | None]:
    """What decodes: "nvdec" or "software"; the format of its frames; and a note where NVDEC was wished for in vain."""
    format = media.video.format
    software = "software", format
    if settings.decoder == "software" or (settings.decoder == "auto" and machine.cores() >= _MANY_CORES):
        return *software, None
    reason: str | None = "frames go to no GPU" if backend != "tensorrt" else None
    if reason is None and len(settings.device) > 1:
        reason = "its frames lie on one GPU, and several share the work"
    layout = nvdec.layout(format.pixel)
    if layout is None:
        reason = reason or f"it does not decode {format.pixel.name}"
    reason = reason or nvdec.problem(media.path, cuda.Gpu(settings.device[0]))
    if reason is None and layout is not None:
        return "nvdec", replace(format, pixel=layout), None
    return *software, f"decoded in software, not by NVDEC: {reason}" if settings.decoder == "nvdec" else None


def target_for(source: Path, to: Path | None, scale: int) -> Path:
    """Where the result of `source` goes: `to` if it names a file, else in.x2.mkv, in the folder `to` or beside it."""
    if to is not None and not os.path.isdir(to):  # Path.is_dir raises on names that are too long
        return to
    return (to or source.parent) / f"{source.stem}.x{scale}.mkv"


def make_plan(media: MediaInfo, to: Path | None, settings: Settings) -> Plan:
    """Decide everything; `to`: a file, a folder, or None for a name beside the source.

    Raises the error that the job would otherwise meet later.
    """
    backend, note = choose_backend(settings)
    model = choose_model(settings, backend)
    video = media.video
    check_size(model, video.format)
    encoding, unencoded = choose_encoder(media, model.scale, settings)
    encoding, alone = budget.shared_out(encoding, settings, video.frames, busy=backend == "tensorrt")
    decoder, decoded, undecoded = choose_decoder(media, settings, backend)
    also = frozenset(s.index for s in media.others if settings.streams == "all" and s.kind in _PASSED_ALONG)
    target = target_for(media.path, to, model.scale)
    return Plan(
        media=media,
        target=target,
        settings=settings,
        model=model,
        backend=backend,
        decoder=decoder,
        decoded=decoded,
        encoding=encoding,
        also=also,
        shift=_shift(media, target),
        notes=tuple(n for n in (note, undecoded, unencoded, alone, *_notes(media, encoding, settings, backend)) if n),
        memory=_memory(settings, model, media, encoding, backend),
        video_memory=_video_memory(settings, model, media, encoding) if backend == "tensorrt" else 0,
        disk=_disk(media, encoding),
    )


def choose_encoder(media: MediaInfo, scale: int, settings: Settings) -> tuple[VideoEncoding, str | None]:
    """How the result is encoded; and a note where `--codec auto` found no NVENC on the GPU."""
    if settings.codec != "auto":
        return _encoding(media, scale, settings, settings.codec), None
    software = _encoding(media, scale, settings, "libx264")
    if cuda.problem():
        return software, None
    format = software.format
    beyond = max(format.width, format.height) > _NVENC_H264_SIDE or format.pixel.depth > 8
    try:
        wanted = _encoding(media, scale, settings, "hevc_nvenc" if beyond else "h264_nvenc")
        reason = refusal(wanted)
    except OutputError as error:
        reason = str(error)
    return (software, f"encoded by libx264: this GPU's NVENC can't ({reason})") if reason else (wanted, None)


def _encoding(media: MediaInfo, scale: int, settings: Settings, name: str) -> VideoEncoding:
    video = media.video
    width, height = video.format.width * scale, video.format.height * scale
    pixel = encodable_format(encoder(name), video.format.pixel, width, height)
    return VideoEncoding(
        codec=name,
        format=replace(video.format, width=width, height=height, pixel=pixel),
        rate=video.rate,
        time_base=video.time_base,
        sample_aspect=video.sample_aspect,
        options=_encoder_options(settings, name),
        display_matrix=video.display_matrix,
    )


def check_target(plan: Plan) -> None:
    """Raise OutputError if writing the result would cost the source or another video, or can't succeed."""
    source, target = plan.media.path, plan.target
    try:
        exists = target.exists()
        if exists and os.path.samefile(source, target):
            raise OutputError(f"{target}: is the input itself; give the result another name")
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror}") from error
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; give a file name, or --to {target}")
    if exists and not plan.settings.overwrite:
        raise OutputError(f"{target}: exists already; --overwrite replaces it")
    if exists and (other := _another_video(plan)):
        raise OutputError(f"{target}: {other}; delete it first, or give another name")
    if not target.parent.is_dir():
        raise OutputError(f"{target}: the folder {target.parent} does not exist: make it first")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"{target}: the folder {target.parent} may not be written to")


def _another_video(plan: Plan) -> str | None:
    """Why what lies under the result's name is no earlier result, None if it may be: `*.mp4` can be two films."""
    try:
        there = probe(plan.target).video
    except UprezError:
        return None
    made = plan.encoding.format
    if (there.format.width, there.format.height) != (made.width, made.height):
        size = f"{there.format.width}x{there.format.height}"
        return f"is a video of {size}, not an earlier result ({made.width}x{made.height})"
    expected = plan.media.video.frames
    if there.frames and expected and abs(there.frames - expected) > _FRAMES_GUESSED * expected + 1:
        return f"is a video of {there.frames} frames, not an earlier result ({expected})"
    return None


def _encoder_options(settings: Settings, codec: str) -> dict[str, str]:
    options = dict(_QUALITY.get(codec, {}))
    quality = _QUALITY_OPTION.get(codec, "crf")
    if any(name in settings.options for name in _OTHER_QUALITY):
        options.pop(quality, None)
    if settings.crf is not None:
        options[quality] = f"{settings.crf:g}"
    if codec.endswith("_nvenc"):
        options["gpu"] = str(settings.device[0])
    if settings.preset is not None and (settings.codec != "auto" or _known_preset(codec, settings.preset)):
        options["preset"] = settings.preset
    return options | settings.options


def _known_preset(codec: str, preset: str) -> bool:
    """Whether a preset that was given beside `--codec auto` is meant for the encoder that was found."""
    return codec.endswith("_nvenc") == bool(re.fullmatch("p[1-7]", preset))


def _notes(media: MediaInfo, encoding: VideoEncoding, settings: Settings, backend: str) -> list[str]:
    video, pixel = media.video, encoding.format.pixel
    notes = []
    unused = [f"--{name}" for name in _FOR_GPUS if getattr(settings, name) != Settings.model_fields[name].default]
    if backend == "onnx" and unused:
        notes.append(f"{', '.join(unused)}: without effect on the CPU")
    if plain_name(video.source_format) != video.format.pixel.name:
        notes.append(f"{video.source_format} frames are worked on as {video.format.pixel.name}")
    if video.alpha:
        notes.append("its transparency (alpha) is lost")
    if pixel != video.format.pixel:
        notes.append(f"{encoding.codec} does not take {video.format.pixel.name} here; the result is {pixel.name}")
    if video.interlaced:
        notes.append("it is interlaced: its combs are upscaled too, and marked progressive; deinterlace it first")
    if video.hdr_metadata:
        notes.append("its HDR mastering and light level data are not carried over; its colour tags are")
    if settings.streams == "all":
        left = [s for s in media.others if s.kind not in _PASSED_ALONG]
        notes += [f"{s.kind} stream {s.index} ({s.codec}) is left behind" for s in left]
    return notes


def _shift(media: MediaInfo, target: Path) -> Fraction:
    """Seconds by which everything is moved: containers of the mp4 family hide what lies before zero."""
    start = media.video.start * media.video.time_base
    return -start if start < 0 and target.suffix.lower() in ISO_SUFFIXES else Fraction(0)


def _memory(settings: Settings, model: ModelSpec, media: MediaInfo, encoding: VideoEncoding, backend: str) -> int:
    small, large = media.video.format.bytes, encoding.format.bytes
    waiting = settings.queue + settings.slots * len(settings.device)
    network = _working(model, media) if backend == "onnx" else _CUDA_BYTES
    encoders = budget.memory(encoding, encoding.encoders, encoding.gop)
    return _PROCESS_BYTES + (waiting + _DECODER_FRAMES) * small + waiting * large + encoders + network


def _video_memory(settings: Settings, model: ModelSpec, media: MediaInfo, encoding: VideoEncoding) -> int:
    frames = settings.slots * (media.video.format.bytes + encoding.format.bytes)
    whole = frames + settings.contexts * _working(model, media)
    return whole if settings.vram is None else min(whole, settings.vram)


def _working(model: ModelSpec, media: MediaInfo) -> int:
    return model.working_bytes(media.video.format.width, media.video.format.height)


def _disk(media: MediaInfo, encoding: VideoEncoding) -> int | None:
    if media.video.frames is None:
        return None
    try:
        crf = float(encoding.options.get("crf", _USUAL_CRF))
    except ValueError:  # the encoder will refuse it, in its own words
        crf = _USUAL_CRF
    bits = _BITS_PER_PIXEL * 2 ** ((_USUAL_CRF - crf) / _CRF_HALVING)
    pixels = encoding.format.width * encoding.format.height * media.video.frames
    passed_along = media.bytes - (media.video.bit_rate or 0) / 8 * (media.duration or 0)
    return int(pixels * bits / 8 + max(0, passed_along if media.video.bit_rate else 0))


def free_disk(plan: Plan) -> int:
    """Bytes that the disk of the result has left."""
    return shutil.disk_usage(plan.target.parent).free
