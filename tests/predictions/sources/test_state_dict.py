"""The weights of a network give what its run gives, and a file with code in it is refused without running it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from tests.fixtures.refusal import assert_refused
from tumorlens.cli import main
from tumorlens.datasets import Table
from tumorlens.errors import DataError, ModelError
from tumorlens.evaluation import evaluate
from tumorlens.evaluation.inference import infer
from tumorlens.metrics.calibration import softmax
from tumorlens.predictions.read_predictions import read_predictions
from tumorlens.training import Run

Describe = Callable[..., Path]
OPENED: list[str] = []


@pytest.fixture
def describe(tmp_path: Path) -> Callable[[Run], Path]:
    def write(run: Run, **changes: Any) -> Path:
        spec = run.spec
        geometry = spec.input_geometry
        given = {
            "size": geometry.size,
            "channels": spec.channels,
            "range": [0, 1],
            "mean": list(spec.mean),
            "std": list(spec.std),
            "resize": geometry.mode,
        }
        content: dict[str, Any] = {"input": given | changes, "output": {"classes": list(spec.classes)}}
        content["options"] = dict(spec.options)
        if run.segments:
            content["mask"] = {"threshold": 0.5}
        path = tmp_path / "network.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("kind", ["safetensors", "pt", "prefixed"])
def test_weights_give_the_probabilities_of_their_run(
    finished_run: Run, phantom_table: Table, tmp_path: Path, describe: Describe, kind: str
) -> None:
    assert finished_run.spec.input_geometry.crop == "none"
    test, weights = phantom_table.subset("test"), finished_run.folder / "weights.safetensors"
    if kind != "safetensors":
        prefix = "module." if kind == "prefixed" else ""
        state = {f"{prefix}{name}": value for name, value in load_file(weights).items()}
        weights = tmp_path / "weights.pt"
        torch.save({"state_dict": state} if kind == "prefixed" else state, weights)
    found = read_predictions(weights, test, network=finished_run.spec.model, description=describe(finished_run))
    expected = softmax(infer(finished_run.pipeline(), test.samples).logits)
    assert found.probabilities == pytest.approx(expected, abs=1e-5)
    assert found.source.kind == "state_dict"
    assert set(found.source.files) == {weights.name, "network.yaml"}
    evaluated = evaluate(found, n_resamples=50)
    assert "region_occlusion" in evaluated.analyses


def test_weights_of_a_segmenting_network_give_its_masks(
    segmentation_run: Run, phantom_table: Table, describe: Describe
) -> None:
    test, expected = phantom_table.subset("test"), list[np.ndarray]()
    infer(segmentation_run.pipeline(), test.samples, on_mask=lambda i, mask, spacing: expected.append(mask))
    found = read_predictions(
        segmentation_run.folder / "weights.safetensors",
        test,
        network=segmentation_run.spec.model,
        description=describe(segmentation_run),
    )
    assert len(found.masks) == len(expected) > 0
    for mask, other in zip(found.masks, expected, strict=True):
        assert np.mean(mask.unpack() != other) < 1e-3
    assert any(mask.any() for mask in expected)


def test_another_range_is_the_same_input_described_otherwise(
    finished_run: Run, phantom_table: Table, describe: Describe
) -> None:
    """Values from -1 to 1 with mean 2 m - 1 and twice the standard deviation."""
    test, spec = phantom_table.subset("test"), finished_run.spec
    weights = finished_run.folder / "weights.safetensors"
    first = read_predictions(weights, test, network=spec.model, description=describe(finished_run))
    other = describe(
        finished_run, range=[-1, 1], mean=[2 * one - 1 for one in spec.mean], std=[2 * one for one in spec.std]
    )
    second = read_predictions(weights, test, network=spec.model, description=other)
    assert second.probabilities == pytest.approx(first.probabilities, abs=1e-5)


class Malicious:
    """Unpickling it calls a function."""

    def __reduce__(self) -> tuple[Any, ...]:
        return OPENED.append, ("unpickled",)


@pytest.mark.parametrize("form", ["pickle", "torch", "inside a state dict", "module"])
def test_a_file_with_code_is_refused_and_its_code_is_not_run(
    finished_run: Run, phantom_table: Table, tmp_path: Path, describe: Describe, form: str
) -> None:
    path = tmp_path / "weights.pt"
    mark = tmp_path / "was-here"
    if form == "pickle":
        path.write_bytes(b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")
        pickle.loads(path.read_bytes())  # the attack works where it is let
        assert mark.exists()
        mark.unlink()
    elif form == "module":
        torch.save(finished_run.network(), path)
    else:
        torch.save(Malicious() if form == "torch" else {"head.weight": torch.zeros(1), "x": Malicious()}, path)
    OPENED.clear()
    with assert_refused(ModelError, found="not readable as weights", expected="without code"):
        read_predictions(path, phantom_table, network=finished_run.spec.model, description=describe(finished_run))
    assert not mark.exists()
    assert not OPENED


def test_weights_of_another_network_are_refused_with_their_names(
    finished_run: Run, phantom_table: Table, tmp_path: Path, describe: Describe
) -> None:
    state = load_file(finished_run.folder / "weights.safetensors")
    name, value = next((key, one) for key, one in state.items() if one.ndim == 4)
    torch.save({**state, name: value[:1], "extra.weight": torch.zeros(2)}, tmp_path / "weights.pt")
    model, description = finished_run.spec.model, describe(finished_run)
    with assert_refused(
        ModelError,
        found=r"1 tensor not of this network \(extra.weight\); 1 tensor of another shape",
        expected=f"all weights of {model} with 4",
    ):
        read_predictions(tmp_path / "weights.pt", phantom_table, network=model, description=description)
    del state[name]
    torch.save(state, tmp_path / "weights.pt")
    with assert_refused(ModelError, found="1 tensor missing", advice="--network"):
        read_predictions(tmp_path / "weights.pt", phantom_table, network=model, description=description)


def test_what_is_missing_is_named(finished_run: Run, phantom_table: Table, tmp_path: Path, describe: Describe) -> None:
    weights, model = finished_run.folder / "weights.safetensors", finished_run.spec.model
    with assert_refused(DataError, found="without --network", advice="networks list"):
        read_predictions(weights, phantom_table, description=describe(finished_run))
    with assert_refused(DataError, found="without --description"):
        read_predictions(weights, phantom_table, network=model)
    with assert_refused(ModelError, found="no network is called 'mini_resnett'", advice="mini_resnet"):
        read_predictions(weights, phantom_table, network="mini_resnett", description=describe(finished_run))
    for key, value, said in (("std", [0.0], "std above 0"), ("channels", 2, "1 or 3"), ("mean", [1.0, 2.0], "numbers")):
        with assert_refused(DataError, expected=said):
            read_predictions(weights, phantom_table, network=model, description=describe(finished_run, **{key: value}))
    (tmp_path / "empty.yaml").write_text("input: {size: 32}", encoding="utf-8")
    with assert_refused(DataError, found="no key 'output'", expected="this key"):
        read_predictions(weights, phantom_table, network=model, description=tmp_path / "empty.yaml")


@pytest.mark.usefixtures("plain_charts")
def test_the_command_takes_a_state_dict(
    finished_run: Run, phantoms: Path, tmp_path: Path, describe: Describe, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(finished_run.folder / "weights.safetensors"), "--data", str(phantoms)]
    arguments += ["--no-region-occlusion", "-o", str(tmp_path / "out"), "--n-resamples", "100"]
    assert main([*arguments, "--network", finished_run.spec.model, "--description", str(describe(finished_run))]) == 0
    assert "accuracy" in capsys.readouterr().out
