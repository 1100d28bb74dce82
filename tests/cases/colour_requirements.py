"""What must hold for the colours of the output of every case; each requirement yields a sentence for each violation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from tests.cases import cases_of, colours, hdr, probe_colours, sample_error, samples, transparency
from tests.cases.command import CaseRun
from tests.cases.requirements import Requirement

_COLOUR_CASES = [case for topic in (colours, hdr, transparency) for case in cases_of(topic)]
_ON_GPU = os.environ.get("UPREZ_TEST_BACKEND", "onnx") != "onnx"
_UNMEASURED = {"dv-ntsc.avi", "alpha-to-prores.mov"}  # FFmpeg resamples the first, and ProRes is lossy
_CHANGED = {8: 2, 10: 2, 12: 4}  # levels that a flat field may be off, by bits, where its pixel format changes
_DITHERED = 0.125 + 0.02  # rounding of the source, half a level of at least two bits more, and the mean's own error


def every_sample_is_as_the_float64_model_has_it(run: CaseRun) -> Iterator[str]:
    worst = sample_error.worst_sample(run)
    if worst is None:
        if run.case in _COLOUR_CASES and run.case.name not in _UNMEASURED:
            yield "no sample could be compared"
    elif worst > _tolerance(run):
        yield f"a sample is off by {worst:g} levels, allowed are {_tolerance(run)}"


def flat_fields_are_exact(run: CaseRun) -> Iterator[str]:
    worst = sample_error.worst_flat(run) if run.case in _COLOUR_CASES else None
    if worst is not None and worst > _flat_tolerance(run):
        yield f"a flat field is off by {worst:g} levels, allowed are {_flat_tolerance(run)}"


def _flat_tolerance(run: CaseRun) -> float:
    """Zero where samples keep their format; where they change it, rounding in another colour space is allowed for."""
    source, output = _first_frames(run)
    if output.layout.bits < source.layout.bits:
        return _DITHERED
    if run.expected.pixel is not None:
        return _CHANGED[source.layout.bits]
    return _tolerance(run) if _ON_GPU and source.layout.bits > 8 else 0


def alpha_is_upscaled_to_the_level(run: CaseRun) -> Iterator[str]:
    worst = sample_error.worst_alpha(run)
    if worst is not None and worst > _tolerance(run) * (run.case.scale - 1):
        yield f"alpha is off by {worst:g} levels"


def _tolerance(run: CaseRun) -> int:
    """The levels that a sample may be off: half floats have 11 bits, and 16 bit passes through single floats."""
    bits = min(frame.layout.bits for frame in _first_frames(run))
    return {8: 2, 10: 2, 12: 4, 16: 2}[bits] if _ON_GPU else 1


def _first_frames(run: CaseRun) -> tuple[probe_colours.FrameSamples, probe_colours.FrameSamples]:
    """The first frame of the source, and of the output."""
    assert run.source_colours is not None
    assert run.output_colours is not None
    return run.source_colours, run.output_colours


def pixel_format_is_kept_or_as_requested(run: CaseRun) -> Iterator[str]:
    if run.case not in _COLOUR_CASES:
        return
    source, output = (frame.layout for frame in _first_frames(run))
    expected = samples.layout(run.expected.pixel) if run.expected.pixel else source
    if replace(output, name="") != replace(expected, name=""):
        yield f"pixel format {output.name}, expected {expected.name}"


def colour_tags_are_kept_or_filled_in(run: CaseRun) -> Iterator[str]:
    if run.case not in _COLOUR_CASES:
        return
    source, output = _first_frames(run)
    for name in ("primaries", "transfer"):
        was, now = getattr(source.tags, name), getattr(output.tags, name)
        if was not in (samples.UNSPECIFIED, now):
            yield f"{name} {now}, expected {was}"
    if output.layout.kinds[:3] == source.layout.kinds[:3] == "YUV":
        tagged, expected = output.tags, source.resolved_tags
        if (tagged.matrix, tagged.full) != (expected.matrix, expected.full):
            yield f"matrix and range {tagged}, expected {expected}"
    if all(frame.layout.sub_x or frame.layout.sub_y for frame in (source, output)):
        siting, was_sited = output.resolved_tags.siting, source.resolved_tags.siting
        if siting != was_sited:
            yield f"chroma is sited {siting}, expected {was_sited}"


def hdr_metadata_is_kept(run: CaseRun) -> Iterator[str]:
    if run.case not in cases_of(hdr) or run.output is None:
        return
    source, output = probe_colours.hdr_metadata(run.source), probe_colours.hdr_metadata(run.output)
    if output.light != source.light:
        yield f"MaxCLL and MaxFALL {output.light}, expected {source.light}"
    pairs = list(zip(source.display or (), output.display or (), strict=False))
    if (source.display is None) != (output.display is None) or any(abs(a - b) > a / 10_000 for a, b in pairs):
        yield f"mastering display {output.display}, expected {source.display}"


COLOUR_REQUIREMENTS: tuple[Requirement, ...] = (
    every_sample_is_as_the_float64_model_has_it,
    flat_fields_are_exact,
    alpha_is_upscaled_to_the_level,
    pixel_format_is_kept_or_as_requested,
    colour_tags_are_kept_or_filled_in,
    hdr_metadata_is_kept,
)
