"""The errors a caller can expect. Every message is one line: what, the value seen, what is allowed, what to do.

    UprezError
     ├── SettingsError     an option or a config file
     ├── InputError        the source: missing, unreadable, no video, damaged, not supported
     │    └── RefusedError     it lets nobody in with this user and password
     ├── OutputError       the result: where it should go, what it should be, or the disk it goes to
     ├── ModelError        the network: missing, broken, not an upscaler of pictures
     │    └── MismatchError    frame, model and engine do not fit each other
     ├── BackendError      the device or its libraries: missing, too old, failing
     │    └── OutOfMemory      the device has no room
     └── Cancelled         the caller aborted; nothing was finished

Errors of PyAV, ONNX Runtime, CUDA and TensorRT are mapped to these where the project meets the library, with
`raise ... from`, so that the cause is never lost.
"""


class UprezError(Exception):
    """The root: whatever the project raises on purpose."""


class SettingsError(UprezError):
    """An option or a config file is wrong."""


class InputError(UprezError):
    """The source can't be read, or isn't what it should be."""


class RefusedError(InputError):
    """The source refuses this user and password: to ask again and again would lock the account."""


class OutputError(UprezError):
    """The result can't be written."""


class ModelError(UprezError):
    """The network can't be used."""


class MismatchError(ModelError):
    """Two sides that must agree don't: the message names both."""


class BackendError(UprezError):
    """A device or a library that the work needs is missing or fails."""


class OutOfMemory(BackendError):
    """The device has no room for what was asked of it."""


class Cancelled(UprezError):
    """The caller aborted the work."""
