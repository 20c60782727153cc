"""docs/gallery.md shows each scene, and its pictures are those of the scenes."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from tests.browser.gallery import PICTURES, all_scenes, gallery_page

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
