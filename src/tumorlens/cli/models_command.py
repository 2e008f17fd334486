"""tumorlens models: the trained models that come with tumorlens, without torch."""

from __future__ import annotations

from tumorlens.cli.common import Json, grid, print_json, show


def models(json: Json = False) -> None:
    """List the trained models that come with tumorlens. Each name works as `tumorlens predict --model NAME`."""
    from tumorlens.deploy.predictor import load
    from tumorlens.deploy.shipped import SHIPPED_MODELS

    predictors = {name: load(name) for name in SHIPPED_MODELS}
    if json:
        return print_json(
            [
                {
                    "name": name,
                    "classes": predictor.classes,
                    "segments": predictor.card.segments,
                    "bytes": predictor.path.stat().st_size,
                    "network": predictor.card.model,
                    "description": SHIPPED_MODELS[name],
                }
                for name, predictor in predictors.items()
            ]
        )
    table = grid("name", "classes", "segments", "size", "network", "description")
    for name, predictor in predictors.items():
        size = f"{predictor.path.stat().st_size / 1e6:.1f} MB"
        segments = "yes" if predictor.card.segments else "no"
        table.add_row(name, ", ".join(predictor.classes), segments, size, predictor.card.model, SHIPPED_MODELS[name])
    show(table)
