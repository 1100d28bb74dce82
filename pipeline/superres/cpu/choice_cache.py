"""The cached choices between the runtimes of the CPU backend."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.choice_file import describe_rates, read_choice, write_choice
from pipeline.superres.cpu.runtimes import installed_runtimes
from pipeline.system import host
from pipeline.system.cache import cache_folder

_CHOICE, _LOCK = ".choice.json", ".choice.lock"  # suffixes of the files


@dataclass(frozen=True)
class MachineFacts:
    """What the rates of runtimes depend on, beside the model and the image size.

    Attributes:
        processor: Name of the processor.
        threads: Threads of a run.
        versions: Versions of the installed runtimes, by name.
    """

    processor: str
    threads: int
    versions: dict[str, str]


def machine_facts(threads: int) -> MachineFacts:
    """The facts of this machine, for the setting `threads`, which is 0 for one per core."""
    versions = {runtime.name: runtime.version for runtime in installed_runtimes()}
    return MachineFacts(host.processor(), threads or host.cores(), versions)


@dataclass(frozen=True)
class RuntimeChoice:
    """The choice for one model, image size and machine.

    Attributes:
        model: Name of the model.
        size: "WIDTHxHEIGHT" of the images.
        processor: Name of the processor.
        threads: Threads of a run.
        versions: Versions of the runtimes that were installed, by name.
        winner: Name of the fastest runtime.
        rates: Frames/s by the runtimes' titles.
        failures: Why other runtimes are not used, by their titles.
    """

    model: str
    size: str
    processor: str
    threads: int
    versions: dict[str, str]
    winner: str
    rates: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def describe_runtime_choice(choice: RuntimeChoice) -> str:
    """Describe the choice in one line: the rates, and why other runtimes are not used."""
    failures = [f"{title} is not used: {reason}" for title, reason in choice.failures.items()]
    rates = describe_rates(choice.rates) if len(choice.rates) > 1 else f"{next(iter(choice.rates), '')} is used"
    return "; ".join([rates, *failures])


class RuntimeRecord:
    """The cached file of one choice.

    Attributes:
        machine: What the choice is for.
        lock_path: File to lock while the choice is made.
    """

    def __init__(self, model: ModelSpec, size: HeightWidth, machine: MachineFacts) -> None:
        self.machine = machine
        digest = hashlib.sha256(repr((model.sha256, size, machine)).encode()).hexdigest()[:32]
        self._path, self.lock_path = (_folder() / f"{digest}{suffix}" for suffix in (_CHOICE, _LOCK))

    def read(self) -> RuntimeChoice | None:
        """Read the choice; None if the file is missing or damaged."""
        return read_choice(self._path, RuntimeChoice)

    def write(self, choice: RuntimeChoice) -> None:
        """Cache the choice."""
        write_choice(self._path, choice)


def cached_runtime_choices() -> list[RuntimeChoice]:
    """The cached choices."""
    paths = sorted(_folder().glob(f"*{_CHOICE}"))
    return [choice for path in paths if (choice := read_choice(path, RuntimeChoice))]


def remove_runtime_choices(everything: bool = False) -> int:
    """Remove cached choices: damaged ones, and those for another processor or other versions of the runtimes.

    Args:
        everything: Remove all choices.

    Returns:
        The number of bytes freed.
    """
    machine = machine_facts(threads=0)
    freed = 0
    for path in _folder().glob(f"*{_CHOICE}"):
        choice = read_choice(path, RuntimeChoice)
        usable = choice and (choice.processor, choice.versions) == (machine.processor, machine.versions)
        if everything or not usable:
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
    return freed


def _folder() -> Path:
    return cache_folder("runtimes")
