"""The tables of codecs and encoders agree with FFmpeg, and nothing else in the package names an encoder."""

import ast
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
import pytest

import pipeline
from pipeline.config.settings import Settings
from pipeline.media.encoding.codecs import (
    ALIASES,
    CODECS,
    ENCODERS,
    codec_of,
    encoder_for,
    encoder_spec,
    encoders_for,
    image_encoder,
    pixel_rate,
    usual_encoders,
)
from pipeline.media.encoding.encoder_context import configure, negotiate_format
from pipeline.media.encoding.encoder_spec import CodecSpec, EncoderSpec, Role
from pipeline.media.encoding.formats import find_encoder
from pipeline.media.encoding.video_encoding import VideoEncoding
from tests.frames import format_of

ROOT = Path(pipeline.__file__).parent
CPU = [spec for spec in ENCODERS.values() if not spec.gpu]
# Files that may name encoders: the table; settings, for defaults and help; and the decoders that share a name.
MAY_NAME_ENCODERS = {
    "media/encoding/codecs.py",
    "config/settings.py",
    "media/reading/alpha.py",
}


def strings_of(file: Path) -> Iterator[tuple[int, str]]:
    """The string constants of a module, docstrings aside, with their lines."""
    tree = ast.parse(file.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def encoder_names() -> set[str]:
    """Names in the table that belong to an encoder alone: not to a codec, a container or a file suffix too."""
    shared = {spec.codec for spec in ENCODERS.values()} - {"ffv1"}
    return set(ENCODERS) - shared | {"libx264rgb", "qtrle", "nvenc", "_nvenc"}


def test_no_other_module_names_an_encoder() -> None:
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(encoder_names(), key=len, reverse=True)))})\b")
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text!r}"
        for file in sorted(ROOT.rglob("*.py"))
        if str(file.relative_to(ROOT)) not in MAY_NAME_ENCODERS
        for line, text in strings_of(file)
        if pattern.search(text)
    ]
    assert found == [], "ask pipeline/media/encoding/codecs.py instead"


@pytest.mark.parametrize("spec", ENCODERS.values(), ids=lambda spec: spec.name)
def test_ffmpeg_has_each_encoder_for_its_codec(spec: EncoderSpec) -> None:
    codec = av.Codec(spec.name, "w")
    assert codec.type == "video"
    assert codec.canonical_name == spec.codec


@pytest.mark.parametrize("spec", ENCODERS.values(), ids=lambda spec: spec.name)
def test_ffmpeg_lists_the_pixel_formats_that_are_encoded_unchanged(spec: EncoderSpec) -> None:
    listed = {format.name for format in av.Codec(spec.name, "w").video_formats or ()}
    assert (spec.pix_fmts or frozenset()) | (spec.alpha_pix_fmts or frozenset()) <= listed


def options_of(spec: EncoderSpec) -> list[Mapping[str, str]]:
    """All the sets of options that a row gives to its encoder."""
    presets = [{"preset": preset} for preset, _ in spec.live.presets]
    return [
        spec.options,
        spec.alpha_options,
        spec.live.options,
        *presets,
        *([spec.image.options] if spec.image else []),
    ]


@pytest.mark.parametrize("spec", CPU, ids=lambda spec: spec.name)
def test_each_encoder_accepts_the_options_of_its_row(spec: EncoderSpec) -> None:
    pixel = spec.image.pix_fmt if spec.image and spec.image.pix_fmt else None
    for options in options_of(spec):
        wanted = VideoEncoding(
            spec.name, format_of("yuv420p"), Fraction(25), Fraction(1, 25), options=dict(options), convert_to=pixel
        )
        context = av.CodecContext.create(spec.name, "w")
        assert isinstance(context, av.VideoCodecContext)
        configure(context, negotiate_format(wanted))
        context.open()
        assert not context.options.keys() & options.keys()  # what is left was not understood


@pytest.mark.parametrize("spec", CPU, ids=lambda spec: spec.name)
def test_preset_patterns_match_the_presets_of_the_row(spec: EncoderSpec) -> None:
    presets = [*(preset for preset, _ in spec.live.presets), *filter(None, [spec.options.get("preset")])]
    assert all(spec.preset_pattern and re.fullmatch(spec.preset_pattern, preset) for preset in presets)


@pytest.mark.parametrize("name", CODECS)
def test_ffmpeg_knows_each_codec(name: str) -> None:
    assert name in {
        av.Codec(encoder, "w").canonical_name for encoder in av.codec.codecs_available if is_encoder(encoder)
    }


def is_encoder(name: str) -> bool:
    try:
        return av.Codec(name, "w").is_encoder
    except av.codec.codec.UnknownCodecError:
        return False


def test_an_unknown_encoder_has_the_defaults_of_its_codec() -> None:
    assert encoder_spec("libx264rgb") == EncoderSpec("libx264rgb", codec="h264")
    assert codec_of("libx264rgb") is CODECS["h264"]
    assert encoder_spec("no-such-encoder").codec == "no-such-encoder"
    assert codec_of("utvideo") == CodecSpec("utvideo")


@pytest.mark.parametrize(
    ("alias", "encoder"),
    [
        ("h264", "libx264"),
        ("x264", "libx264"),
        ("h265", "libx265"),
        ("hevc", "libx265"),
        ("HEVC", "libx265"),
        ("x265", "libx265"),
        ("av1", "libsvtav1"),
        ("vp9", "libvpx-vp9"),
        ("vp8", "libvpx"),
        ("prores", "prores_ks"),
    ],
)
def test_an_alias_stands_for_the_row_of_its_encoder(alias: str, encoder: str) -> None:
    assert encoder_spec(alias) is ENCODERS[encoder]
    assert find_encoder(alias).name == encoder


def test_aliases_are_in_lower_case_and_not_the_names_of_other_encoders() -> None:
    assert len(ALIASES) == sum(len(spec.aliases) for spec in ENCODERS.values())
    assert all(alias == alias.lower() and alias not in ENCODERS for alias in ALIASES)


def test_help_of_the_setting_names_aliases_that_exist() -> None:
    named, _, _ = str(Settings.model_fields["codec"].description).partition("or any other")
    assert set(re.findall(r"[a-z]+[0-9]+|hevc|prores", named)) == set(ALIASES) - {"vp8"}


def test_the_name_of_a_codec_stands_for_the_usual_encoder() -> None:
    assert encoder_spec("webp").name == av.Codec("webp", "w").name
    assert encoder_spec("webp").codec == "webp"


def opens_with_quality(spec: EncoderSpec, quality: float) -> bool:
    encoding = VideoEncoding(spec.name, format_of("yuv420p"), Fraction(25), Fraction(1, 25))
    context = av.CodecContext.create(spec.name, "w")
    assert isinstance(context, av.VideoCodecContext)
    configure(context, negotiate_format(encoding))
    context.options = {spec.quality_option: str(quality)}
    try:
        context.open()
    except av.error.FFmpegError:
        return False
    return not context.options


@pytest.mark.parametrize("spec", [spec for spec in CPU if spec.quality_range], ids=lambda spec: spec.name)
def test_encoders_accept_both_ends_of_their_quality_range(spec: EncoderSpec) -> None:
    assert spec.quality_range
    assert all(opens_with_quality(spec, quality) for quality in spec.quality_range)
    if spec.name != "libx264":  # which accepts any number
        assert not opens_with_quality(spec, spec.quality_range[1] + 1)


@pytest.mark.parametrize("spec", ENCODERS.values(), ids=lambda spec: spec.name)
def test_default_qualities_are_in_the_quality_range(spec: EncoderSpec) -> None:
    defaults = [options.get(spec.quality_option) for options in (spec.options, spec.live.options)]
    least, greatest = spec.quality_range or (0, 0)
    assert all(least <= float(value) <= greatest for value in defaults if value)


def test_gpu_encoders_come_first_where_a_gpu_may_be_used() -> None:
    assert [spec.name for spec in encoders_for(Role.COMPATIBLE, gpu=True)] == ["h264_nvenc", "libx264"]
    assert [spec.name for spec in encoders_for(Role.COMPATIBLE)] == ["libx264"]


@pytest.mark.parametrize("role", Role)
def test_each_role_has_an_encoder_that_needs_no_gpu(role: Role) -> None:
    assert not encoder_for(role).gpu


def test_the_usual_encoders_begin_with_the_most_compatible() -> None:
    assert usual_encoders() == ["libx264", "libx265", "libsvtav1"]


@pytest.mark.parametrize(("suffix", "encoder"), [(".png", "png"), (".JPG", "mjpeg"), (".webp", "libwebp")])
def test_image_suffixes_find_their_encoder(suffix: str, encoder: str) -> None:
    spec = image_encoder(suffix)
    assert spec is not None
    assert spec.name == encoder


def test_a_video_suffix_has_no_image_encoder() -> None:
    assert image_encoder(".mkv") is None


def test_slower_presets_and_encoders_take_fewer_pixels() -> None:
    x264, x265 = encoder_spec("libx264"), encoder_spec("libx265")
    assert pixel_rate(x264, "ultrafast") > pixel_rate(x264, "medium") > pixel_rate(x265, "medium")
    assert pixel_rate(x264, "unknown") == pixel_rate(x264, "medium")


@pytest.mark.parametrize("spec", [spec for spec in ENCODERS.values() if spec.gpu], ids=lambda spec: spec.name)
def test_gpu_encoders_have_nvenc_s_option_for_constant_quality(spec: EncoderSpec) -> None:
    assert spec.quality_option == "cq"


def test_the_hardware_of_players_is_limited_for_h264_alone() -> None:
    assert [name for name, codec in CODECS.items() if codec.limited_hardware] == ["h264"]
