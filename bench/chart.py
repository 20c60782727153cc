"""The chart docs/one-click.svg with the steps of one click on a time axis."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import pairwise

from bench.table import Row

AFTER_CLICK = "time after the click"
STEPS = {
    "ack": "click verified and stored, Slack gets its 200",
    "user": "request to Slack: who clicked",
    "group": "request to Slack: who is in the approvers' group",
    "delete": "approval stored, DELETE sent",
    "card": "outcome stored, card updated",
}
"""The steps that can be observed from outside, in order."""

WIDTH, MARGIN, BAR_HEIGHT, LINE_HEIGHT = 860, 16, 30, 24
COLOURS = ("#4c78a8", "#72b7b2", "#54a24b", "#e45756", "#f58518", "#b279a2")


def render_chart(rows: Iterable[Row]) -> str:
    """Return an SVG with a bar of milliseconds and a legend for its segments."""
    steps = sorted((float(row.subject), row.measured) for row in rows if row.compared_with == AFTER_CLICK)
    scale = (WIDTH - 2 * MARGIN) / steps[-1][0]
    parts: list[str] = []
    segments = pairwise([(0.0, ""), *steps])
    for number, (((begin, _), (end, label)), colour) in enumerate(zip(segments, COLOURS, strict=False)):
        x, width = MARGIN + begin * scale, max(1.0, (end - begin) * scale)
        y = BAR_HEIGHT + 44 + number * LINE_HEIGHT
        parts += [
            f'<rect x="{x:.1f}" y="16" width="{width:.1f}" height="{BAR_HEIGHT}" fill="{colour}"/>',
            f'<rect x="{MARGIN}" y="{y - 11}" width="14" height="14" fill="{colour}"/>',
            f'<text x="{MARGIN + 24}" y="{y}">{end:.1f} ms: {escape(label)}</text>',
        ]
    height = BAR_HEIGHT + 44 + len(steps) * LINE_HEIGHT
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="14">'
    )
    title = "<title>One click, from its arrival to the last message</title>"
    background = f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>'
    return "\n".join([opening, title, background, *parts, "</svg>", ""])
