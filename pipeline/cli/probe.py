"""`uprez probe`: what is in a file, and how it would be upscaled."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.console import facts, hours, note, out, size
from pipeline.cli.option_names import with_options
from pipeline.cli.options import MODEL_OPTIONS, Json, with_settings
from pipeline.colour.h273 import colour_names
from pipeline.config.settings import Settings
from pipeline.config.target_fields import TARGET_FIELDS
from pipeline.files.destination import free_disk
from pipeline.files.estimate import Estimate, estimate
from pipeline.files.plan import Plan, make_plan
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.reading.probe import probe as probe_file

_NETWORK = ("model", *MODEL_OPTIONS, *TARGET_FIELDS, "strength", "backend", "engine", "device", "precision", "vram")


@with_settings(*_NETWORK, "decoder", "decoders", "deinterlace", "codec", "pix_fmt", "crf", "preset", "encoders")
def probe(
    source: Annotated[Path, typer.Argument(help="A video.")],
    *,
    settings: Settings,
    as_json: Json = False,
) -> None:
    """Show what is in a video, and how it would be upscaled.

    That is its streams, rate and colour; and the output, encoder, time, memory and disk space of `uprez upscale`.
    """
    media = probe_file(source)
    plan = make_plan(media, None, settings)
    expected = estimate(plan)
    if as_json:
        print(json.dumps(_as_json(media, plan, expected), indent=2, default=str))
        return
    out.print(facts([*_media(media), ("", ""), *_plan(plan, expected)]))
    for line in plan.notes:
        note(line)


def _media(media: MediaInfo) -> list[tuple[str, str]]:
    """The file, its video and its other streams, as names and values."""
    duration = f"{media.duration:.2f} s" if media.duration else "duration unknown"
    rows = [("file", f"{media.path}, {media.container}, {size(media.bytes)}, {duration}"), *_video(media.video)]
    for stream in media.others:
        words = [stream.codec, stream.details, stream.language or "", stream.title or ""]
        rows.append((f"{stream.kind} {stream.index}", ", ".join(word for word in words if word)))
    if media.chapters:
        rows.append(("chapters", str(media.chapters)))
    return rows


def _video(video: VideoInfo) -> list[tuple[str, str]]:
    frames = f"{video.frames} frames" if video.frames else "an unknown number of frames"
    shape = f"{video.format.width}x{video.format.height} {video.source_format}"
    rate = f"{video.rate} = {float(video.rate):.3f} frames/s"
    rows = [
        (f"video {video.index}", f"{video.codec}, {shape}, {frames}"),
        ("rate", f"{rate}, time base {video.time_base}, first pts {video.start}"),
        ("colour", _colour(video)),
    ]
    if video.hdr:
        rows.append(("HDR", str(video.hdr)))
    if video.dynamic_hdr:
        rows.append(("", f"{', '.join(video.dynamic_hdr)}: not carried over"))
    if video.display_matrix:
        rows.append(("rotation", str(Orientation.from_matrix(video.display_matrix) or "at an odd angle")))
    if video.stereo:
        rows.append(("stereoscopic", video.stereo))
    if video.projection:
        rows.append(("projection", str(video.projection)))
    if video.scan.interlaced:
        rows.append(("interlacing", f"marked as interlaced, {'top' if video.scan.top_first else 'bottom'} field first"))
    if crop := video.crop:
        rows.append(("cropped by", f"{crop.left} left, {crop.right} right, {crop.top} top, {crop.bottom} bottom"))
    if video.sample_aspect != 1:
        rows.append(("pixel aspect", str(video.sample_aspect)))
    return rows


def _colour(video: VideoInfo) -> str:
    colour, pixel = video.format.colour, video.format.pixel
    matrix, primaries, transfer = colour_names(colour)
    tagged = "" if video.tagged else " (not tagged: derived from the size)"
    siting = f", chroma {colour.siting.value}" if pixel.sub_x or pixel.sub_y else ""
    range_ = "full" if colour.full_range else "limited"
    names = f"{'rgb' if pixel.rgb else matrix}, primaries {primaries}, transfer {transfer}"
    return f"{names}{tagged}, {range_} range{siting}"


def _plan(plan: Plan, expected: Estimate) -> list[tuple[str, str]]:
    """The output, what makes it, and what that takes, as names and values."""
    encoding = plan.encoding
    options = " ".join(f"{key}={value}" for key, value in encoding.options.items())
    if encoding.encoders > 1:
        options += f", {encoding.encoders} in parallel, GOPs of {encoding.gop} frames"
    disk = f"about {size(plan.disk)}, {size(free_disk(plan))} free" if plan.disk else "unknown"
    gpu = f", {size(plan.video_memory)} on the GPU" if plan.video_memory else ""
    speed = f"{expected.rate:.2f} frames/s; {expected.bottleneck} is the bottleneck"
    return [
        ("output", f"{plan.target}, {encoding.format}"),
        ("model", f"{plan.model}, {'by TensorRT' if plan.backend == 'tensorrt' else 'on the CPU'}"),
        *_after_network(plan),
        ("encoder", f"{encoding.codec} {options}"),
        ("time", f"about {hours(expected.seconds)} at {speed}"),
        ("memory", f"about {size(plan.memory)}{gpu}"),
        ("disk", disk),
    ]


def _after_network(plan: Plan) -> list[tuple[str, str]]:
    """What follows the network: the blend with the source, and the resampling."""
    rows, strength = [], plan.settings.strength
    if strength < 1:
        rows.append(("strength", f"{strength:g}, and {1 - strength:g} of the source, resampled"))
    if plan.is_resampled:
        enlarged, (width, height) = plan.network_format, plan.size
        rows.append(("resampling", f"from {enlarged.width}x{enlarged.height} to {width}x{height}"))
    if plan.encoding.sample_aspect != plan.media.video.sample_aspect:
        rows.append(("its pixel aspect", str(plan.encoding.sample_aspect)))
    return rows


def _as_json(media: MediaInfo, plan: Plan, expected: Estimate) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "path": media.path,
        "container": media.container,
        "duration": media.duration,
        "bytes": media.bytes,
        "video": _video_as_json(media.video),
        "others": [dataclasses.asdict(stream) for stream in media.others],
        "plan": _plan_as_json(plan, expected),
    }


def _video_as_json(video: VideoInfo) -> dict[str, Any]:
    colour = video.format.colour
    return {
        "codec": video.codec,
        "width": video.format.width,
        "height": video.format.height,
        "pixel_format": video.source_format,
        "rate": video.rate,
        "time_base": video.time_base,
        "start": video.start,
        "frames": video.frames,
        "sample_aspect": video.sample_aspect,
        "crop": video.crop and dataclasses.asdict(video.crop),
        "display_matrix": video.display_matrix,
        "stereo": video.stereo,
        "projection": video.projection and str(video.projection),
        "matrix": colour_names(colour)[0],
        "full_range": colour.full_range,
        "primaries": colour.primaries,
        "transfer": colour.transfer,
        "siting": colour.siting.value,
        "tagged": video.tagged,
        "interlaced": video.scan.interlaced,
        "top_field_first": video.scan.top_first,
        "hdr": video.hdr and _hdr_as_json(video.hdr),
        "dynamic_hdr": video.dynamic_hdr,
    }


def _hdr_as_json(hdr: Hdr) -> dict[str, Any]:
    return {
        "primaries": hdr.primaries and [[float(x), float(y)] for x, y in hdr.primaries],
        "luminance": hdr.luminance and [float(value) for value in hdr.luminance],
        "max_cll": hdr.light and hdr.light[0],
        "max_fall": hdr.light and hdr.light[1],
    }


def _plan_as_json(plan: Plan, expected: Estimate) -> dict[str, Any]:
    encoding, rotation = plan.encoding, None if plan.rotation is None else str(plan.rotation)
    return {
        "result": plan.target,
        "width": encoding.format.width,
        "height": encoding.format.height,
        "pixel_format": encoding.format.pixel.name,
        "model": plan.model.name,
        "scale": plan.model.scale,
        "networks": [step.name for step in plan.model.steps or (plan.model,)],
        "strength": plan.settings.strength,
        "resampled_from": [plan.network_format.width, plan.network_format.height] if plan.is_resampled else None,
        "sample_aspect": encoding.sample_aspect,
        "backend": plan.backend,
        "precision": plan.model.precision,
        "decoder": plan.decoder,
        "decoders": plan.decoders.count,
        "deinterlacing": plan.deinterlacing and dataclasses.asdict(plan.deinterlacing),
        "rotation": rotation,
        "turned": rotation,  # its name in the version before
        "codec": encoding.codec,
        "encoders": encoding.encoders,
        "options": encoding.options,
        "rate": round(expected.rate, 3),
        "seconds": expected.seconds,
        "bottleneck": expected.bottleneck,
        "wall": expected.bottleneck,  # its name in the version before
        "memory": plan.memory,
        "video_memory": plan.video_memory,
        "disk": plan.disk,
        "notes": [with_options(line) for line in plan.notes],
    }
