"""Options of encoders that name files are refused unless the command line allows them."""

from pathlib import Path

import pytest

from pipeline.config.encoder_files import find_file_option
from pipeline.config.live_settings import LiveSettings
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stats", "/tmp/a"),
        ("x264-params", "stats=/tmp/a"),
        ("x264-params", "keyint=50:dump-yuv=/tmp/a"),
        ("x264opts", "dump_yuv=/tmp/a"),
        ("x264-params", "pass=1"),
        ("x264-params", "qpfile=/etc/passwd"),
        ("x265-params", "csv=/tmp/a"),
        ("x265-params", "log-level=none:analysis-save=/tmp/a"),
        ("x265-params", "recon=/tmp/a"),
        ("x265-params", "st\\ats=/tmp/a"),
        ("svtav1-params", "stats=/tmp/a"),
        ("aom-params", "partition-info-path=/tmp/a"),
        ("vvenc-params", "RCStatsFile=/tmp/a"),
        ("kvazaar-params", "debug=/tmp/a"),
        ("passlogfile", "/tmp/a"),
        ("flags", "+pass1"),
        ("flags", "512"),
    ],
)
def test_an_option_that_names_a_file_is_refused(name: str, value: str) -> None:
    assert find_file_option({name: value})
    with pytest.raises(SettingsError, match=r"^options: .* names a file; `allow_encoder_files=True` allows it$"):
        Settings.load(None, options={name: value})
    assert Settings.load(None, options={name: value}, allow_encoder_files=True).options == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tune", "grain"),
        ("profile", "high"),
        ("x264-params", "keyint=50:bframes=3:rc-lookahead=40:bypass=0"),
        ("x265-params", "hdr10=1:master-display=G(1,2)B(3,4)R(5,6)WP(7,8)L(9,10):log-level=error:profile=main10"),
        ("svtav1-params", "tune=0:film-grain=8:scd=1"),
        ("flags", "+cgop"),
        ("bf", "3"),
    ],
)
def test_other_options_are_allowed(name: str, value: str) -> None:
    assert not find_file_option({name: value})


@pytest.mark.parametrize(
    "text", ["allow_encoder_files: true", "source: udp://h:1\nstreams: [{source: a, allow_encoder_files: true}]"]
)
def test_no_config_file_can_allow_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    load = LiveSettings.load if "streams" in text else Settings.load
    with pytest.raises(SettingsError, match="only the command line and programs may set it"):
        load(path)
