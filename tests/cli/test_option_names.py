"""Names of settings in messages of the library become options when the command line prints them."""

import inspect
import logging

import pytest

from pipeline.cli import bench, compare, live, preview, probe, upscale, verify
from pipeline.cli.console import fail, note
from pipeline.cli.option_names import MessageFormatter, with_options
from pipeline.config.live_settings import LiveSettings, StreamSettings
from pipeline.config.settings import Settings

COMMANDS = (bench.bench, compare.compare, live.live, preview.preview, probe.probe, upscale.upscale, verify.verify)


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("`pix_fmt` yuv410p: libx264 accepts yuv420p", "--pix-fmt yuv410p: libx264 accepts yuv420p"),
        ('try `codec="auto"`, or a smaller `model`', "try --codec auto, or a smaller --model"),
        ("`overwrite=True` replaces it", "--overwrite replaces it"),
        ("`audio=False` leaves it out", "--no-audio leaves it out"),
        ("`encoders=1`; `encoders = 1`", "--encoders 1; --encoders 1"),
        (
            "`as_json` and `json` are one option, `for_` and `for` too",
            "--json and --json are one option, --for and --for too",
        ),
        ("`options` of the encoder, `input_options` of the reader", "-x of the encoder, -i of the reader"),
        ("`source`: no such file", "SOURCE: no such file"),
        ("`output`: no such file", "OUTPUT: no such file"),
        ("`uprez live` reads it; `- source: ADDRESS`", "`uprez live` reads it; `- source: ADDRESS`"),
        ("`nonsense` and `model", "`nonsense` and `model"),
    ],
)
def test_backticked_settings_become_options(message: str, printed: str) -> None:
    assert with_options(message) == printed


def test_every_setting_and_every_parameter_of_a_command_is_known() -> None:
    settings = {name for model in (Settings, StreamSettings, LiveSettings) for name in model.model_fields}
    parameters = {name for command in COMMANDS for name in inspect.signature(command).parameters}
    for name in settings | parameters:
        assert with_options(f"`{name}`") != f"`{name}`", name


def test_errors_notes_and_log_records_are_printed_with_options(capsys: pytest.CaptureFixture[str]) -> None:
    fail("`pix_fmt` is wrong")
    note("`pix_fmt` is odd")
    assert capsys.readouterr().err == "uprez: --pix-fmt is wrong\nnote: --pix-fmt is odd\n"
    record = logging.LogRecord("pipeline", logging.WARNING, __file__, 1, "`%s` has no effect", ("pix_fmt",), None)
    assert MessageFormatter().format(record) == "uprez: --pix-fmt has no effect"
