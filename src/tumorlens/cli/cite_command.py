"""tumorlens cite: how to cite tumorlens, and the data of the models that come with it."""

from __future__ import annotations

from tumorlens.cli.common import Json, print_json, show

_TITLE = "tumorlens: brain-tumor MRI with numbers that can be believed"


def cite(json: Json = False) -> None:
    """Print how to cite tumorlens as BibTeX, and what the models that come with it are derived from."""
    from tumorlens import __version__
    from tumorlens.deploy.predictor import list_predictors, load

    bibtex = (
        f"@software{{tumorlens,\n  title = {{{_TITLE}}},\n  author = {{{{The tumorlens authors}}}},\n"
        f"  version = {{{__version__}}},\n  year = {{2026}},\n  license = {{Apache-2.0}}\n}}"
    )
    attributions = {name: load(name).card.attributions for name in list_predictors()}
    if json:
        return print_json({"bibtex": bibtex, "attributions": attributions})
    show(bibtex)
    for name, lines in attributions.items():
        show(f"\nThe model {name} is derived from:")
        for line in lines:
            show(f"- {line}")
