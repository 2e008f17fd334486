"""Two examples for the help of each verb."""

EXAMPLES = {
    "audit": (
        "tumorlens audit FOLDER",
        "tumorlens audit FOLDER --write-split split.csv --folds 5 --fold 0",
    ),
    "benchmark": (
        "tumorlens benchmark efficientnet_b0 brainmrnet",
        "tumorlens benchmark --run RUN --output costs.csv",
    ),
    "card": (
        "tumorlens card default",
        "tumorlens card model.onnx --checklist claim --output claim.md",
    ),
    "cite": ("tumorlens cite", "tumorlens cite --json"),
    "compare": ("tumorlens compare RUN OTHER", "tumorlens compare RUN OTHER --evaluation val --output difference.json"),
    "data get": ("tumorlens data get figshare FOLDER", "tumorlens data get figshare FOLDER --json"),
    "data info": ("tumorlens data info figshare", "tumorlens data info figshare --json"),
    "data list": ("tumorlens data list", "tumorlens data list --json"),
    "data phantom": (
        "tumorlens data phantom FOLDER",
        "tumorlens data phantom FOLDER --patients 8 --slices 2 --seed 1",
    ),
    "data split": (
        "tumorlens data split FOLDER --output split.csv",
        "tumorlens data split FOLDER --folds 10 --fold 3 --output split.csv",
    ),
    "data table": (
        "tumorlens data table FOLDER --output table.csv",
        "tumorlens data table FOLDER OTHER --unannotated ignore --output table.csv",
    ),
    "demo": ("tumorlens demo", "tumorlens demo --train --out-dir demo --seed 1"),
    "evaluate": (
        "tumorlens evaluate RUN --data FOLDER --robustness",
        "tumorlens evaluate predictions.csv --data FOLDER",
    ),
    "explain": (
        "tumorlens explain default scan.png --out-dir maps",
        "tumorlens explain RUN --evaluate",
    ),
    "export": ("tumorlens export RUN", "tumorlens export RUN --half --output model.onnx"),
    "index": (
        "tumorlens index FOLDER --output index.npz",
        "tumorlens index FOLDER --name hospital --output hospital.npz",
    ),
    "info": ("tumorlens info", "tumorlens info --json"),
    "series": ("tumorlens series STUDY", "tumorlens series study.zip --json"),
    "models": ("tumorlens models", "tumorlens models RUN model.onnx --json"),
    "networks info": ("tumorlens networks info efficientnet_b0", "tumorlens networks info efficientnet_b0 --json"),
    "networks list": ("tumorlens networks list", "tumorlens networks list --json"),
    "predict": (
        "tumorlens predict FOLDER --out-dir results --overlays --masks",
        "tumorlens predict STUDY --out-dir results",
    ),
    "recipes list": ("tumorlens recipes list", "tumorlens recipes list --json"),
    "recipes show": ("tumorlens recipes show default", "tumorlens recipes show tiny --json"),
    "reproduce": (
        "tumorlens reproduce brainmrnet FOLDER",
        "tumorlens reproduce 3 FOLDER --quick --out-dir reproduced",
    ),
    "train": (
        "tumorlens train FOLDER --recipe tiny",
        "tumorlens train FOLDER --recipe default --fold all --out-dir folds",
    ),
}
"""Verb -> complete command lines."""
