"""Rules on the package's layout, sizes, names and language, which apply to every file."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pipeline"
TESTS = ROOT / "tests"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"])

TOP_ENTRIES = 8
CLASS_LINES = 150
FUNCTION_LINES = 40
CONSTRUCTOR_PARAMETERS = 6

BANNED = (
    r"\banew\b",
    r"\bmended\b",
    r"\btold\b",
    r"\b(is|are|was|were|be) said\b",
    r"\bgone\b",
    r"\blies\b",
    r"\blay\b",
    r"\bwall\b(?! clock)",
    r"\bwhoever\b",
    r"\bwishes\b",
    r"\bto and fro\b",
    r"\bnobody can see\b",
    r"\bcosts? what it must\b",
    r"\b(comes?|came|becomes?|became) of\b",
    r"\bsounds? (stream|track)s?\b",
)
"""Phrases of a private idiom, as regular expressions; plain technical English has other words for them."""

NOT_ON_WINDOWS = {
    "os": "fork geteuid getgid getuid killpg mkfifo sched_getaffinity sched_getscheduler setsid sysconf uname",
    "signal": "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGSTOP SIGUSR1 SIGUSR2 pthread_kill setitimer",
    "socket": "AF_UNIX",
}
"""Names of the standard library that Windows lacks, for each module that exists there."""
MODULES_NOT_ON_WINDOWS = "fcntl grp pty pwd resource termios".split()

IN_DOUBT = re.compile("|".join([*MODULES_NOT_ON_WINDOWS, *" ".join(NOT_ON_WINDOWS.values()).split()]))

FORMER_KEYS = ("wall",)
"""Keys of JSON by their names in version 0.1.0, which programs may still read until 0.3.0: these strings may stay."""

CODE = re.compile(r"`[^`]*`")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def definitions(kind: type[ast.ClassDef] | tuple[type, ...]) -> Iterator[tuple[Path, ast.ClassDef | Function]]:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, kind):
                assert isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                yield path, node


def lines(node: ast.ClassDef | Function) -> int:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return (node.end_lineno or first) - first + 1


def longer_than(limit: int, kind: type[ast.ClassDef] | tuple[type, ...]) -> list[str]:
    return [
        f"{name_of(path)}:{node.lineno} {node.name}: {lines(node)} lines"
        for path, node in definitions(kind)
        if lines(node) > limit
    ]


def test_package_has_few_entries_beside_folders_at_its_top() -> None:
    entries = [path.name for path in PACKAGE.iterdir() if path.is_file()]
    assert len(entries) <= TOP_ENTRIES, sorted(entries)


def test_no_class_is_longer_than_150_lines() -> None:
    assert not longer_than(CLASS_LINES, ast.ClassDef)


def test_no_function_is_longer_than_40_lines() -> None:
    assert not longer_than(FUNCTION_LINES, (ast.FunctionDef, ast.AsyncFunctionDef))


def test_no_constructor_has_more_than_six_parameters() -> None:
    found = []
    for path, node in definitions((ast.FunctionDef,)):
        assert isinstance(node, ast.FunctionDef)
        count = len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]) - 1
        if node.name == "__init__" and count > CONSTRUCTOR_PARAMETERS:
            found.append(f"{name_of(path)}:{node.lineno}: {count} parameters")
    assert not found


def test_class_names_are_unique() -> None:
    counts = Counter(node.name for _, node in definitions(ast.ClassDef))
    assert not [name for name, count in counts.items() if count > 1]


def test_no_module_hides_one_of_the_standard_library() -> None:
    """But `codecs`, which is the field's own word."""
    assert not [name_of(path) for path in MODULES if path.stem in sys.stdlib_module_names - {"codecs"}]


def test_every_module_with_behaviour_has_its_tests() -> None:
    lacking = {name_of(path) for path in MODULES if has_behaviour(path) and not mirrors(path)}
    listed = set(modules_in_table())
    assert not lacking - listed
    assert listed <= {name_of(path) for path in MODULES}


def modules_in_table() -> list[str]:
    """The modules in CONTRIBUTING.md's table of suites that stand for modules."""
    _, _, table = (ROOT / "CONTRIBUTING.md").read_text().partition("| suites that stand for modules | modules |")
    rows = table.strip().partition("\n\n")[0].splitlines()
    return [name for row in rows for name in re.findall(r"`(pipeline/[\w/]+\.py)`", row)]


def has_behaviour(path: Path) -> bool:
    """True if a module has a function with a body of more than a docstring."""
    return any(isinstance(node, Function) and not is_stub(node) for node in ast.walk(tree(path)))


def is_stub(node: Function) -> bool:
    return all(isinstance(statement, ast.Expr | ast.Pass) for statement in node.body)


def mirrors(path: Path) -> list[Path]:
    """The test files of a module: tests/a/test_b.py, or tests/a/test_b_topic.py, of pipeline/a/b.py."""
    folder = TESTS / path.relative_to(PACKAGE).parent
    return [*folder.glob(f"test_{path.stem}.py"), *folder.glob(f"test_{path.stem}_*.py")]


def test_no_banned_phrase_is_in_docs_help_or_messages() -> None:
    banned = re.compile("|".join(BANNED), re.IGNORECASE)
    found = [
        f"{name_of(path)}:{line}: {match[0]}"
        for path, line, text in texts()
        for match in banned.finditer(CODE.sub("", " ".join(text.split())))
    ]
    assert not found


def texts() -> Iterator[tuple[Path, int, str]]:
    """Every line of the pages, and every string of the package: docstrings, help and messages."""
    for path in PAGES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield path, number, line
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in FORMER_KEYS:
                yield path, node.lineno, node.value


def test_tests_can_be_collected_on_windows() -> None:
    """What is evaluated when a test module is imported, such as the arguments of marks, exists there."""
    found = [
        f"{name_of(path)}:{node.lineno} {ast.unparse(node)}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.name != "platforms.py" and IN_DOUBT.search(path.read_text())  # platforms.py asks the system first
        for node in evaluated_at_import(tree(path))
        if is_not_on_windows(node)
    ]
    assert not found


def evaluated_at_import(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """All nodes but those in the bodies of functions."""
    for field, value in ast.iter_fields(node):
        if field == "body" and isinstance(node, Function | ast.Lambda):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            if isinstance(child, ast.AST):
                yield from evaluated_at_import(child)


def is_not_on_windows(node: ast.expr | ast.stmt) -> bool:
    match node:
        case ast.Attribute(ast.Name(module), name):
            return name in NOT_ON_WINDOWS.get(module, "").split()
        case ast.Import(names):
            return any(alias.name in MODULES_NOT_ON_WINDOWS for alias in names)
        case ast.ImportFrom(module):
            return module in MODULES_NOT_ON_WINDOWS
    return False


def test_every_test_has_a_name_of_three_words_or_more() -> None:
    short = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(tree(path))
        if isinstance(node, Function) and node.name.startswith("test_") and node.name.count("_") < 3
    ]
    assert not short
