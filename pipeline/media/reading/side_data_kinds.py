"""All kinds of side data that FFmpeg knows, of frames and of packets and streams, and how each is treated.

The tables are complete, so that a kind that a new version of FFmpeg adds is noticed by a test.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Treatment(Enum):
    """The ways in which a kind of side data is treated."""

    CARRIED = "carried to the output where its codec or container has a place for it, else named in a note"
    APPLIED = "applied to the frames, or used to decode them, so that the output needs none"
    NAMED = "named in a note"
    COPIED = "of streams that are copied: stored by the container with their packets or parameters, where it can"
    IGNORED = "means nothing for the output"
    NEVER = "not made by decoders or demuxers of files"


class SideDataKind(NamedTuple):
    """A kind of side data.

    Attributes:
        treatment: How it is treated.
        about: Its name for users if it is named, else a reason.
    """

    treatment: Treatment
    about: str = ""


_C, _A, _N, _K, _I, _X = Treatment  # in their order above

# By FFmpeg's names, AV_FRAME_DATA_..., in the order of their numbers (libavutil/frame.h).
FRAME_KINDS = {
    "PANSCAN": SideDataKind(_I, "MPEG-2's advice for 4:3 screens, nearly always the complete frame"),
    "A53_CC": SideDataKind(_C, "closed captions"),
    "STEREO3D": SideDataKind(_C, "stereoscopic layout"),
    "MATRIXENCODING": SideDataKind(_K, "of audio"),
    "DOWNMIX_INFO": SideDataKind(_K, "of audio"),
    "REPLAYGAIN": SideDataKind(_K, "of audio"),
    "DISPLAYMATRIX": SideDataKind(_C, "rotation"),
    "AFD": SideDataKind(_N, "active format description"),
    "MOTION_VECTORS": SideDataKind(_X, "decoders export it on request"),
    "SKIP_SAMPLES": SideDataKind(_K, "of audio"),
    "AUDIO_SERVICE_TYPE": SideDataKind(_K, "of audio"),
    "MASTERING_DISPLAY_METADATA": SideDataKind(_C, "HDR10's mastering display"),
    "GOP_TIMECODE": SideDataKind(_I, "MPEG-2's count of frames, in nearly every stream"),
    "SPHERICAL": SideDataKind(_C, "spherical projection"),
    "CONTENT_LIGHT_LEVEL": SideDataKind(_C, "HDR10's light levels"),
    "ICC_PROFILE": SideDataKind(_N, "ICC profile"),
    "S12M_TIMECODE": SideDataKind(_N, "timecode of each frame (SMPTE 12M)"),
    "DYNAMIC_HDR_PLUS": SideDataKind(_N, "HDR10+"),
    "REGIONS_OF_INTEREST": SideDataKind(_X, "for encoders"),
    "VIDEO_ENC_PARAMS": SideDataKind(_X, "decoders export it on request"),
    "SEI_UNREGISTERED": SideDataKind(_I, "private messages, mostly of the source's encoder"),
    "FILM_GRAIN_PARAMS": SideDataKind(_A, "decoders add the grain"),
    "DETECTION_BBOXES": SideDataKind(_X, "made by filters"),
    "DOVI_RPU_BUFFER": SideDataKind(_N, "Dolby Vision"),
    "DOVI_METADATA": SideDataKind(_N, "Dolby Vision"),
    "DYNAMIC_HDR_VIVID": SideDataKind(_N, "HDR Vivid"),
    "AMBIENT_VIEWING_ENVIRONMENT": SideDataKind(_N, "ambient viewing environment"),
    "VIDEO_HINT": SideDataKind(_X, "for encoders"),
    "LCEVC": SideDataKind(_N, "LCEVC enhancement layer"),
    "VIEW_ID": SideDataKind(_X, "decoders yield other views on request"),
    "3D_REFERENCE_DISPLAYS": SideDataKind(_N, "3D reference displays"),
    "EXIF": SideDataKind(_N, "EXIF data"),
}

NEWEST_LIBAVUTIL = (60, 26)
"""The version of libavutil (FFmpeg 8.1) whose kinds of frame side data are listed."""

LABELLED = ("AFD", "S12M_TIMECODE", "LCEVC", "3D_REFERENCE_DISPLAYS")
"""Kinds of any video's frames that are named, and are neither HDR metadata nor those of images."""

# By PyAV's names of AV_PKT_DATA_... (libavcodec/packet.h).
PACKET_KINDS = {
    "palette": SideDataKind(_A),
    "new_extradata": SideDataKind(_A, "parameters that change in mid-stream"),
    "param_change": SideDataKind(_A, "parameters that change in mid-stream"),
    "h263_mb_info": SideDataKind(_X, "made by encoders"),
    "replay_gain": SideDataKind(_K, "of audio"),
    "display_matrix": SideDataKind(_C, "rotation"),
    "stereo_3d": SideDataKind(_C, "stereoscopic layout"),
    "audio_service_type": SideDataKind(_K, "of audio"),
    "quality_stats": SideDataKind(_X, "made by encoders"),
    "fallback_track": SideDataKind(_I, "the number of another track"),
    "cpb_properties": SideDataKind(_I, "limits of the source's bit rate"),
    "skip_samples": SideDataKind(_C, "lead-in of audio"),
    "jp_dual_mono": SideDataKind(_K, "of audio"),
    "strings_metadata": SideDataKind(_K, "tags of a packet"),
    "subtitle_position": SideDataKind(_K, "of subtitles"),
    "matroska_block_additional": SideDataKind(_A, "alpha of VP8 and VP9"),
    "webvtt_identifier": SideDataKind(_K, "of subtitles"),
    "webvtt_settings": SideDataKind(_K, "of subtitles"),
    "metadata_update": SideDataKind(_I, "tags that change in mid-stream, of radio"),
    "mpegts_stream_id": SideDataKind(_I, "a number within a transport stream"),
    "mastering_display_metadata": SideDataKind(_C, "HDR10's mastering display"),
    "spherical": SideDataKind(_C, "spherical projection"),
    "content_light_level": SideDataKind(_C, "HDR10's light levels"),
    "a53_cc": SideDataKind(_X, "decoders read captions from the bitstream"),
    "encryption_init_info": SideDataKind(_A, "encrypted video is refused"),
    "encryption_info": SideDataKind(_A, "encrypted video is refused"),
    "afd": SideDataKind(_N, "active format description"),
    "prft": SideDataKind(_I, "the clock of the machine that recorded a live stream"),
    "icc_profile": SideDataKind(_N, "ICC profile"),
    "dovi_conf": SideDataKind(_N, "Dolby Vision"),
    "s12m_timecode": SideDataKind(_N, "timecode of each frame (SMPTE 12M)"),
    "dynamic_hdr10_plus": SideDataKind(_N, "HDR10+"),
    "iamf_mix_gain_param": SideDataKind(_K, "of audio"),
    "iamf_info_param": SideDataKind(_K, "of audio"),
    "iamf_recon_gain_info_param": SideDataKind(_K, "of audio"),
    "ambient_viewing_environment": SideDataKind(_N, "ambient viewing environment"),
    "frame_cropping": SideDataKind(_A, "edges that players cut off"),
    "lcevc": SideDataKind(_N, "LCEVC enhancement layer"),
    "3d_reference_displays": SideDataKind(_N, "3D reference displays"),
    "rtcp_sr": SideDataKind(_X, "of network streams"),
}
