"""Write pictures as PNG files with a palette, which are a third as large as screenshots."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from playwright.async_api import Page

GAP = 8
"""Transparent pixels between the pictures of a sheet."""

MERGE = 300
"""Colours that differ less than this become one (the sum of the squares of red, green and blue, 0 to 255)."""

_DRAW = """async ({ rows, gap, merge }) => {
  const decode = (data) => createImageBitmap(new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))]));
  const images = await Promise.all(rows.map((row) => Promise.all(row.map(decode))));
  const sum = (sizes) => sizes.reduce((all, size) => all + size + gap, -gap);
  const heights = images.map((row) => Math.max(...row.map((image) => image.height)));
  const width = Math.max(...images.map((row) => sum(row.map((image) => image.width))));
  const height = sum(heights);
  const context = new OffscreenCanvas(width, height).getContext("2d");
  let y = 0;
  images.forEach((row, index) => {
    let x = 0;
    for (const image of row) {
      context.drawImage(image, x, y);
      x += image.width + gap;
    }
    y += heights[index] + gap;
  });
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);

  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  counts.delete(0); // transparent
  const colours = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
  const channel = (colour, shift) => colour >> shift & 255;
  const distance = (one, other) => [0, 8, 16].reduce(
    (all, shift) => all + (channel(one, shift) - channel(other, shift)) ** 2, 0);
  const palette = [];
  for (const colour of colours) {
    if (palette.length < 255 && palette.every((one) => distance(one, colour) > merge)) palette.push(colour);
  }
  const nearest = (colour) => palette.reduce((best, one, index) => {
    const away = distance(colour, one);
    return away < best.away ? { index, away } : best;
  }, { away: Infinity }).index + 1;
  const index = new Map([[0, 0], ...colours.map((colour) => [colour, nearest(colour)])]);

  const bytes = Uint8Array.from(pixels, (pixel) => index.get(pixel));
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  const rgb = palette.flatMap((colour) => [0, 8, 16].map((shift) => channel(colour, shift)));
  return { width, height, palette: rgb, indexes: btoa(binary) };
}"""
"""Draw rows of pictures below each other, and return the pixels as places in a palette; place 0 is transparent."""


class Indexed(NamedTuple):
    """A picture whose pixels are places in a palette of red, green and blue values."""

    width: int
    height: int
    palette: Sequence[int]
    indexes: bytes

    def png(self) -> bytes:
        """Return the picture as a PNG file (www.w3.org/TR/png)."""
        rows = (self.indexes[start : start + self.width] for start in range(0, len(self.indexes), self.width))
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)
        chunks = [
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", bytes([0, 0, 0, *self.palette])),
            _chunk(b"tRNS", b"\0"),
            _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)),
            _chunk(b"IEND", b""),
        ]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


async def sheet(page: Page, rows: Sequence[Sequence[bytes]]) -> bytes:
    """Return one PNG file with rows of screenshots; any page of the browser can draw it."""
    encoded = [[base64.b64encode(picture).decode() for picture in row] for row in rows]
    drawn = await page.evaluate(_DRAW, {"rows": encoded, "gap": GAP, "merge": MERGE})
    indexes = base64.b64decode(drawn["indexes"])
    return Indexed(drawn["width"], drawn["height"], drawn["palette"], indexes).png()


def save(path: Path, png: bytes) -> bool:
    """Write a picture, unless the file has the same pixels already; return whether it was written.

    The palette of a picture may have another order each time, which would change the file for nothing.
    """
    if path.exists() and _pixels(path.read_bytes()) == _pixels(png):
        return False
    path.write_bytes(png)
    return True


def _pixels(png: bytes) -> tuple[bytes, ...]:
    """Return the size of a picture of `Indexed.png`, and the red, green, blue and alpha of its pixels."""
    chunks = {kind: b"".join(data for name, data in _chunks(png) if name == kind) for kind, _ in _chunks(png)}
    palette, alphas = chunks[b"PLTE"], chunks[b"tRNS"]
    tables = [*(palette[channel::3].ljust(256, b"\0") for channel in range(3)), alphas.ljust(256, b"\xff")]
    rows = zlib.decompress(chunks[b"IDAT"])
    return chunks[b"IHDR"], *(rows.translate(table) for table in tables)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each chunk."""
    at = 8
    while at < len(png):
        length = struct.unpack(">I", png[at : at + 4])[0]
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length
