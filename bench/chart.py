"""Where the time of one click goes, as a picture: docs/one-click.svg, made of the moments that row `click` kept."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import pairwise

from bench.table import Line

AFTER = "after the click"
MOMENTS = {
    "ack": "proved, read, on disk: Slack has its 200",
    "who": "Slack is asked who clicked",
    "group": "Slack is asked who is in the approvers' group",
    "delete": "judged, the approval on disk: the DELETE goes out",
    "card": "the outcome on disk: the card is repainted",
    "told": "the audit channel is told",
}
"""What can be seen from outside, and what has happened by then."""

WIDTH, LEFT, BAR, ROW = 860, 16, 30, 24
COLOURS = ("#4c78a8", "#72b7b2", "#54a24b", "#e45756", "#f58518", "#b279a2")


def picture(lines: Iterable[Line]) -> str:
    """Draw a bar of the milliseconds and, below it, what each part of it is."""
    kept = [(float(line.ours), line.measured) for line in lines if line.beside == AFTER]
    moments = sorted(kept)
    scale = (WIDTH - 2 * LEFT) / moments[-1][0]
    parts: list[str] = []
    spans = pairwise([(0.0, ""), *moments])
    for number, (((begin, _), (end, said)), colour) in enumerate(zip(spans, COLOURS, strict=False)):
        x, width = LEFT + begin * scale, max(1.0, (end - begin) * scale)
        y = BAR + 44 + number * ROW
        parts += [
            f'<rect x="{x:.1f}" y="16" width="{width:.1f}" height="{BAR}" fill="{colour}"/>',
            f'<rect x="{LEFT}" y="{y - 11}" width="14" height="14" fill="{colour}"/>',
            f'<text x="{LEFT + 24}" y="{y}">{end:.1f} ms: {escape(said)}</text>',
        ]
    height = BAR + 44 + len(moments) * ROW
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="14">'
    )
    title = "<title>One click, from its arrival to the last message</title>"
    ground = f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>'
    return "\n".join([opening, title, ground, *parts, "</svg>", ""])
