"""Chart -> an SVG file that needs no page around it, for papers and slides."""

from __future__ import annotations

import re
from importlib import resources

from tumorlens.report.plots.charts import Chart, render_chart

_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


def render_standalone(chart: Chart) -> str:
    """The chart with its own colors, those of the light page, on white.

    Custom properties are resolved, since many programs other than browsers do not know them.
    """
    tag, rest = render_chart(chart).split(">", 1)
    width, height = re.findall(r'viewBox="0 0 (\S+) (\S+)"', tag)[0]
    opened = tag.replace("<svg", f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"', 1)
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f"{opened}><style>{_style()}</style>{paper}{rest}\n"


def _style() -> str:
    """The rules of style.css that concern charts, without custom properties."""
    sheet = resources.files("tumorlens.report").joinpath("style.css").read_text(encoding="utf-8")
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", sheet[: sheet.index("@media")]))
    series = {name: value for name, value in light.items() if re.fullmatch(r"s\d", name)}
    rules = [f"svg{{font-family:{_FONT};font-size:12px}}"]
    for line in sheet.splitlines():
        selector, _, body = line.partition("{")
        if selector.startswith("svg ."):
            what = selector.strip().removeprefix("svg ")
            many = series.items() if "var(--series)" in body else [("", "")]
            for name, color in many:
                own = body.replace("var(--series)", color)
                rules.append(f"{what}{'.' * bool(name)}{name}{{{_resolved(own, light)}")
        elif re.match(r"\.s\d |\.dot, ", selector):
            rules.append(f"{selector.strip()}{{{_resolved(re.sub(r'--series: [^;]+;', '', body), light)}")
    return f"text{{fill:{light['ink']}}}" + "".join(rules)


def _resolved(body: str, colors: dict[str, str]) -> str:
    return re.sub(r"var\(--([\w-]+)\)", lambda found: colors[found[1]], body)
