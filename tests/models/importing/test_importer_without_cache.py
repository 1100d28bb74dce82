"""Imports without a usable cache folder."""

import subprocess
import sys
from pathlib import Path

from tests.models.importing.foreign import Foreign

_TWO_IMPORTS = """
import sys
from pathlib import Path
from pipeline.models.importing.conventions import Overrides
from pipeline.models.importing.importer import import_model

if __name__ == "__main__":
    path = Path(sys.argv[1])
    imported = [import_model(path, overrides).path for overrides in (None, Overrides(layout="nhwc"))]
    assert all(each.exists() for each in imported)
    print(*{each.parent for each in imported})
"""


def test_imports_of_a_process_share_one_temporary_folder_that_is_removed_at_exit(tmp_path: Path) -> None:
    script, unusable = tmp_path / "imports.py", tmp_path / "file"
    script.write_text(_TWO_IMPORTS)
    unusable.write_text("")
    path = Foreign(layout="nhwc").saved(tmp_path / "theirs.onnx")
    environment = {"UPREZ_CACHE": str(unusable), "TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script), str(path)], env=environment, capture_output=True, text=True, check=True
    )
    folders = done.stdout.split()
    assert len(folders) == 1
    assert Path(folders[0]).parent == tmp_path
    assert not Path(folders[0]).exists()
