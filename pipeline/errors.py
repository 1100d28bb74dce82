"""The errors that callers can expect. A message is one line: what happened, the value, what is allowed, what to do.

    UprezError
     ├── SettingsError     an argument, an option or a config file is invalid
     ├── InputError        the source is missing, unreadable, damaged, not supported, or has no video
     │    └── RefusedError     the source rejects this user and password
     ├── OutputError       the output can't be written: its path, its format, or its disk
     ├── ModelError        the network is missing, broken, or not an image upscaler
     │    └── MismatchError    frame, model and engine don't match
     ├── BackendError      the device or one of its libraries is missing, too old, or fails
     │    └── OutOfMemory      the device, or main memory, is too small
     └── Cancelled         the caller aborted; nothing was finished

Errors of PyAV, ONNX Runtime, CUDA and TensorRT are translated to these where the library is called, with
`raise ... from`, so that the cause is never lost.
"""


class UprezError(Exception):
    """The base class of all errors that uprez raises deliberately."""


class SettingsError(UprezError):
    """An argument, an option or a config file is invalid."""


class InputError(UprezError):
    """The source can't be read, or is not what it should be."""


class RefusedError(InputError):
    """The source rejects this user and password; repeated attempts might lock the account."""


class OutputError(UprezError):
    """The output can't be written."""


class ModelError(UprezError):
    """The network can't be used."""


class MismatchError(ModelError):
    """Two things that must match don't; the message names both."""


class BackendError(UprezError):
    """A device, or a library that it needs, is missing or fails."""


class OutOfMemory(BackendError):
    """The device, or main memory, is too small for the job."""


class Cancelled(UprezError):
    """The caller aborted the job."""


def error_summary(error: BaseException, skipped: str | None = None) -> str:
    """Summarise an error in one line: the first line of its message that is not empty, or its type if there is none.

    Args:
        error: The error.
        skipped: Lines that begin with this are skipped, unless there are no others.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    wanted = [line for line in lines if skipped is None or not line.startswith(skipped)]
    return next(iter(wanted or lines), type(error).__name__)
