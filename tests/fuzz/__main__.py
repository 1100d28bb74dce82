"""Fuzzes the parsers of tests/fuzz/targets.py, or complete files: `python -m tests.fuzz [NAME...] [--seconds N]`.

With atheris installed, the parsers are fuzzed guided by coverage; else their seeds are mutated at random. `files`
mutates videos and upscales each in a process of its own. What fails is written into build/fuzz.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
import traceback
from pathlib import Path
from random import Random

from tests import clips
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS

FINDINGS = Path("build/fuzz")
LIMIT_SECONDS = 120  # of one file
ALLOWED_CODES = (0, 2, 3)
FAST = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast", "--overwrite", "--frames", "50")


def fuzz_parser(name: str, seconds: float, seed: int) -> int:
    """Mutate the seeds of a target at random for so long. Returns the number of findings."""
    target, random, findings, runs = TARGETS[name], Random(seed), 0, 0
    ends = time.process_time() + seconds
    while time.process_time() < ends and not findings:
        runs += 1
        data = mutated(random.choice(target.seeds), random)
        try:
            target.parse(data)
        except Exception:
            findings += 1
            _keep(name, data, traceback.format_exc())
    print(f"{name}: {runs} inputs, {findings} findings", flush=True)
    return findings


def fuzz_parser_guided(name: str, seconds: float) -> int:
    """Fuzz a target guided by coverage, in a process of its own, as atheris ends it. Returns the number of findings."""
    corpus = FINDINGS / name.replace(" ", "-")
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(TARGETS[name].seeds):
        (corpus / f"seed-{index}").write_bytes(seed)
    limits = [
        f"-max_total_time={int(seconds)}",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(corpus), *limits, f"-artifact_prefix={FINDINGS}/"]
    return int(subprocess.run(command, check=False).returncode != 0)


def fuzz_files(seconds: float, seed: int) -> int:
    """Mutate videos and upscale them for so long. Returns the number of findings."""
    random, findings, runs, ends = Random(seed), 0, 0, time.monotonic() + seconds
    FINDINGS.mkdir(parents=True, exist_ok=True)
    sources = [clips.make(FINDINGS / f"source{suffix}", frames=50) for suffix in (".mkv", ".mp4", ".ts", ".mov")]
    while time.monotonic() < ends:
        runs += 1
        source = random.choice(sources)
        path = FINDINGS / f"file-{seed}{source.suffix}"
        path.write_bytes(mutated(source.read_bytes(), random, 30))
        command = [sys.executable, "-m", "pipeline", "upscale", str(path), str(FINDINGS / f"out-{seed}.mkv"), *FAST]
        reason = _failure(command)
        if reason:
            findings += 1
            _keep(f"file{source.suffix}", path.read_bytes(), reason)
    print(f"files: {runs} inputs, {findings} findings", flush=True)
    return findings


def _failure(command: list[str]) -> str:
    """The reason why a call of uprez is a finding; empty if it ended as it should."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return f"took longer than {LIMIT_SECONDS} s"
    is_bug = ended.returncode not in ALLOWED_CODES or "a bug, please report" in ended.stderr
    return f"exit code {ended.returncode}\n{ended.stderr}" if is_bug else ""


def _keep(name: str, data: bytes, reason: str) -> None:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    path = FINDINGS / f"{name.replace(' ', '-')}-{time.time_ns()}"
    path.write_bytes(data)
    print(f"{path}:\n{reason}", flush=True)


def main() -> int:
    """Fuzz what the arguments name, all if they name nothing. Returns 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("names", nargs="*", choices=[*TARGETS, "files", []])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    is_guided = importlib.util.find_spec("atheris") is not None
    findings = 0
    for name in given.names or [*TARGETS, "files"]:
        if name == "files":
            findings += fuzz_files(given.seconds, given.seed)
        elif is_guided:
            findings += fuzz_parser_guided(name, given.seconds)
        else:
            findings += fuzz_parser(name, given.seconds, given.seed)
    return int(findings > 0)


if __name__ == "__main__":
    sys.exit(main())
