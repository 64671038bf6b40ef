"""What benchmarks hand on: tables in Markdown, and bar charts in SVG."""

import math
import os
import platform
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH = 820
MARGIN = 24
TOP = 76
ROW = 34
BAR = 20
BELOW = 48
# Of a sans-serif font, in shares of its size: enough for the widest labels.
CHARACTER = 0.54
LABEL_SIZE, VALUE_SIZE = 14, 13

STYLE = """
    .paper { fill: #ffffff }
    text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 18px; font-weight: 600 }
    .subtitle, .tick { font-size: 12px; fill: #59636e }
    .label { font-size: 14px }
    .value { font-size: 13px; stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
    .grid { stroke: #d8dee4; stroke-width: 1 }
    .bar { fill: #a3b1c2 }
    .ours .bar { fill: #d1242f }
    .ours .label, .ours .value { font-weight: 600 }
    .limit .bar { fill: none; stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 4 3 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 }
      text { fill: #e6edf3 }
      .subtitle, .tick { fill: #9198a1 }
      .value { stroke: #0d1117 }
      .grid { stroke: #30363d }
      .bar { fill: #57657a }
      .ours .bar { fill: #ff6a69 }
      .limit .bar { stroke: #9198a1 }
    }"""


def processor():
    """Its name, and whether it has instructions for SHA-256."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    facts = {name.strip(): value.strip() for name, _, value in lines}
    flags = facts.get("flags", facts.get("Features", "")).split()
    with_sha = "with" if {"sha_ni", "sha2"} & set(flags) else "without"
    name = facts.get("model name", platform.machine())
    return f"{name} {with_sha} SHA extensions, {os.cpu_count()} cores"


@dataclass
class Bar:
    label: str
    value: float
    text: str  # the value, as it is to be read
    kind: str = ""  # "ours", or "limit" for what cannot be beaten


def markdown_table(columns, rows):
    """Laid out as harness.print_table does it: the first column is text to the left, and so is one
    whose name ends in a blank; the others are to the right."""
    left = [i == 0 or column.endswith(" ") for i, column in enumerate(columns)]
    lines = [
        [column.strip() for column in columns],
        ["---" if is_left else "---:" for is_left in left],
        *([str(value).replace("|", r"\|") for value in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(value):
    return f"{value:.15g}"


def ticks(least, most):
    """1, 2, 5, 10, ... from the last one below `least` to the first one above `most`."""
    marks = [
        step * 10.0**power
        for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
        for step in (1, 2, 5)
    ]
    first = max(i for i, mark in enumerate(marks) if mark < least or i == 0)
    last = min((i for i, mark in enumerate(marks) if mark > most), default=len(marks) - 1)
    return marks[first : last + 1]


def log_bar_chart(title, subtitle, axis, bars):
    """A chart with a bar for each of `bars`, from the top. The axis is logarithmic: equal distances
    are equal ratios, and where bars begin means nothing. It follows the reader's light or dark
    mode."""
    label_end = MARGIN + max(len(bar.label) for bar in bars) * LABEL_SIZE * CHARACTER
    right = WIDTH - MARGIN - max(len(bar.text) for bar in bars) * VALUE_SIZE * CHARACTER - 8
    left = label_end + 12
    marks = ticks(min(bar.value for bar in bars), max(bar.value for bar in bars))
    bottom = TOP + ROW * len(bars)
    height = bottom + BELOW

    def x(value):
        share = math.log(value / marks[0]) / math.log(marks[-1] / marks[0])
        return round(left + (right - left) * share, 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" aria-labelledby="title description">',
        f'  <title id="title">{escape(title)}</title>',
        f'  <desc id="description">{escape(subtitle)}: '
        + escape("; ".join(f"{bar.label}: {bar.text}" for bar in bars))
        + ".</desc>",
        f"  <style>{STYLE}\n  </style>",
        f'  <rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
        f'  <text class="title" x="{MARGIN}" y="34">{escape(title)}</text>',
        f'  <text class="subtitle" x="{MARGIN}" y="54">{escape(subtitle)}</text>',
    ]
    for mark in marks:
        lines += [
            f'  <line class="grid" x1="{x(mark)}" y1="{TOP - 4}" x2="{x(mark)}" y2="{bottom + 2}"/>',
            f'  <text class="tick" x="{x(mark)}" y="{bottom + 18}" text-anchor="middle">'
            f"{number(mark)}</text>",
        ]
    lines.append(
        f'  <text class="tick" x="{round((left + right) / 2)}" y="{bottom + 36}"'
        f' text-anchor="middle">{escape(axis)}</text>'
    )
    for place, bar in enumerate(bars):
        top = TOP + ROW * place + (ROW - BAR) / 2
        base = top + BAR / 2 + 5
        width = round(x(bar.value) - left, 1)
        lines += [
            f'  <g class="{bar.kind}">' if bar.kind else "  <g>",
            f'    <text class="label" x="{round(label_end)}" y="{number(base)}" text-anchor="end">'
            f"{escape(bar.label)}</text>",
            f'    <rect class="bar" x="{round(left, 1)}" y="{number(top)}" width="{width}"'
            f' height="{BAR}" rx="2"/>',
            f'    <text class="value" x="{number(x(bar.value) + 8)}" y="{number(base)}">'
            f"{escape(bar.text)}</text>",
            "  </g>",
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def significant(value):
    """About three digits."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def write_page(directory, name, parts):
    """NAME.md of headings, paragraphs and tables."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.md").write_text("\n\n".join(part.rstrip("\n") for part in parts) + "\n")
