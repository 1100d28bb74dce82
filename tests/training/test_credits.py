"""The list of authors, origins and licences."""

from pathlib import Path

from training.credits import credits
from training.pack import write_pack
from training.pack_contents import entry


def test_pictures_are_listed_by_licence_with_their_source(tmp_path: Path) -> None:
    pictures = [
        entry("more-lake.jpg", b"1", "photo", "CC-BY-4.0", "Ada, her page"),
        entry("more-hill.jpg", b"2", "photo", "CC0-1.0", "Bob"),
        entry("more-bay.jpg", b"3", "photo", "CC-BY-4.0", "Cy"),
        entry("drawn-map-0001.webp", b"4", "drawn", "CC0-1.0", "training/drawings, map 1"),
    ]
    write_pack(tmp_path, [(each, b"") for each in pictures], 2**20)
    text = credits((tmp_path / "manifest.json").read_text())
    assert (
        "## CC-BY-4.0\n\n- more-bay.jpg: Cy\n- more-lake.jpg: Ada, her page\n\n## CC0-1.0\n\n- more-hill.jpg: Bob\n"
        in text
    )
    assert "By `training/drawings`: 1." in text
    assert "drawn-map" not in text
