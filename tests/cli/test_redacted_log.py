"""The log of live streams contains no secret, whatever logs it."""

import io
import logging
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console

from pipeline.cli.redacted_log import redacted_logging, redactor
from pipeline.config.live_settings import LiveSettings

ADDRESS = "rtsp://user:hunter22@camera/stream"
SETTINGS = LiveSettings.load(
    None, source=ADDRESS, to=["rtmp://server/app/key-1"], token="token-33", show=True, input_options={"a": "cookie-44"}
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    file = io.StringIO()
    with redacted_logging(redactor(SETTINGS), Console(file=file, width=40), quiet=False):
        yield file


def test_arguments_of_records_are_redacted(log: io.StringIO) -> None:
    logging.getLogger("libav.rtsp").warning("method DESCRIBE failed: %s for %r", 401, ADDRESS)
    logging.getLogger("another").error("%(a)s", {"a": "key-1 token-33 cookie-44"})
    assert log.getvalue() == "uprez: method DESCRIBE failed: 401 for 'rtsp://camera/stream'\nuprez: … … …\n"


def test_tracebacks_are_redacted(log: io.StringIO) -> None:
    try:
        raise OSError(f"[Errno 110] Connection timed out: '{ADDRESS}'")
    except OSError:
        logging.getLogger("pipeline").exception("a bug")
    assert "Connection timed out: 'rtsp://camera/stream'" in log.getvalue()
    assert "hunter22" not in log.getvalue()


def test_exception_that_ends_a_thread_is_redacted(log: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(ADDRESS)

    thread = threading.Thread(target=fail, name="a-thread")
    thread.start()
    thread.join()
    assert log.getvalue().startswith("uprez: a-thread: a bug, please report it\nTraceback")
    assert "ValueError: rtsp://camera/stream" in log.getvalue()
    assert "hunter22" not in log.getvalue()


def test_handlers_and_hook_are_restored() -> None:
    before = logging.getLogger().handlers, threading.excepthook
    with redacted_logging(redactor(SETTINGS), Console(file=io.StringIO()), quiet=True):
        assert logging.getLogger().handlers != before[0]
    assert (logging.getLogger().handlers, threading.excepthook) == before


def test_quiet_prints_errors_only() -> None:
    file = io.StringIO()
    with redacted_logging(redactor(SETTINGS), Console(file=file), quiet=True):
        logging.getLogger("a").warning("a warning")
        logging.getLogger("a").error("an error")
    assert file.getvalue() == "uprez: an error\n"
