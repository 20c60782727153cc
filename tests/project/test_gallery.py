"""docs/gallery.md shows each scene, and its pictures are those of the scenes."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from tests.browser.gallery import PICTURES, all_scenes, gallery_page
from tests.browser.pictures import Indexed, save

DOCS = Path(__file__).parents[2] / "docs"

MAX_SIZE = 8_000_000
"""Bytes of all pictures of the documentation, because each clone downloads them."""


async def test_gallery__shows_every_scene_with_its_picture_and_no_other() -> None:
    groups = await all_scenes()
    names = {f"{scene.name}.png" for _, scenes in groups for scene in scenes}

    assert (DOCS / "gallery.md").read_text() == gallery_page(groups)
    assert {path.name for path in PICTURES.iterdir()} == names


def test_pictures__are_of_a_size_that_a_clone_can_bear() -> None:
    size = sum(path.stat().st_size for path in DOCS.rglob("*.png"))
    assert size <= MAX_SIZE, "remove scenes that show nothing of their own, or raise MAX_SIZE"


def test_pictures__are_png_files_with_a_palette() -> None:
    pictures = sorted(DOCS.rglob("*.png"))
    headers = {path.name: struct.unpack(">8s4s4sIIBB", path.read_bytes()[:26]) for path in pictures}

    assert len(pictures) > len(re.findall(r"!\[", (DOCS / "gallery.md").read_text()))
    assert {
        name
        for name, (magic, _, kind, *_, colour) in headers.items()
        if (magic[1:4], kind, colour) != (b"PNG", b"IHDR", 3)
    } == set()


RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_save__keeps_a_file_whose_pixels_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    first, other_palette = (
        Indexed(3, 1, [*RED, *BLUE], bytes([0, 1, 2])).png(),
        Indexed(3, 1, [*BLUE, *RED], bytes([0, 2, 1])).png(),
    )

    assert save(path, first)
    assert first != other_palette
    assert not save(path, other_palette)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "changed",
    [
        Indexed(3, 1, [*RED, *BLUE], bytes([0, 2, 1])),
        Indexed(3, 1, [*RED, *RED], bytes([0, 1, 2])),
        Indexed(1, 3, [*RED, *BLUE], bytes([0, 1, 2])),
        Indexed(3, 1, [0, 0, 0, *BLUE], bytes([1, 1, 2])),
    ],
)
def test_save__replaces_a_file_whose_pixels_differ(tmp_path: Path, changed: Indexed) -> None:
    path = tmp_path / "picture.png"
    save(path, Indexed(3, 1, [*RED, *BLUE], bytes([0, 1, 2])).png())

    assert save(path, changed.png())
    assert path.read_bytes() == changed.png()
