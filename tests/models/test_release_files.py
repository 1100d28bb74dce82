"""The table of release files."""

import re

from pipeline.models.packaged_models import PACKAGED_MODELS
from pipeline.models.release_files import RELEASE_FILES, release_file


def test_files_have_permissive_licences_digests_and_encrypted_addresses() -> None:
    for file in RELEASE_FILES:
        assert file.licence in ("Apache-2.0", "BSD-3-Clause", "MIT")
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.url.startswith("https://")
        assert file.file_name.endswith(".pth")


def test_names_are_those_of_no_other_model() -> None:
    names = [file.name for file in RELEASE_FILES] + [model.name for model in PACKAGED_MODELS]
    assert len(set(names)) == len(names)


def test_model_is_found_with_the_command_that_downloads_it() -> None:
    file = release_file("realesr-general-x4v3")
    assert file
    assert file.command == "uprez models download realesr-general-x4v3"
    assert release_file("realesr") is None
