"""What every test shares: a cache of its own, one small set of phantoms, a run trained on them and its model file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tumorlens.auditing import split_folds
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.phantom import make

if TYPE_CHECKING:
    from tumorlens.training import Run

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: two that each start a thread for every core wait for one another. Read when torch is
    # imported, and by what tests start.
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _no_traces(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded images out of the home of whoever runs the tests."""
    monkeypatch.setenv("TUMORLENS_CACHE", str(shared_cache))


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 12 drawn patients, two slices of 64 x 64 pixels each; three patients of each class."""
    return make(tmp_path_factory.mktemp("phantoms") / "set", patients=12, slices=2, size=64)


@pytest.fixture(scope="session")
def phantom_table(phantoms: Path) -> Table:
    """The phantoms split by patient: one of each class to train, to validate and to test on."""
    return split_folds(open_table(phantoms), folds=3, val=0.34)


@pytest.fixture(scope="session")
def finished_run(phantom_table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network, trained on the phantoms for two epochs; not evaluated. Tests must not write into it."""
    from tumorlens.training import load_recipe, train

    recipe = load_recipe("demo", ["input.size=48", "epochs=2", "batch_size=4"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        return train(phantom_table, recipe, tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def own_run(finished_run: Run, tmp_path: Path) -> Run:
    """A copy of the finished run to write into; it lies as deep, so that its table still finds the images."""
    from tumorlens.training import load_run

    assert len(finished_run.folder.parents) == len((tmp_path / "run").parents)
    return load_run(shutil.copytree(finished_run.folder, tmp_path / "run"))


@pytest.fixture(scope="session")
def model_file(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run as an ONNX file."""
    from tumorlens.deploy.export import export

    path = tmp_path_factory.mktemp("model") / "phantoms.onnx"
    export(finished_run, path)
    return path


@pytest.fixture(scope="session")
def evaluated_model_file(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run, evaluated on its test subset, as an ONNX file with a complete card."""
    from tumorlens._record import Record
    from tumorlens.deploy.export import export
    from tumorlens.evaluation import write_evaluation
    from tumorlens.evaluation.evaluate import evaluate
    from tumorlens.training import load_run

    run = load_run(shutil.copytree(finished_run.folder, tmp_path_factory.mktemp("evaluated") / "phantom-run"))
    evaluation = evaluate(run, analyses={"region_occlusion": False}, n_resamples=100)
    write_evaluation(run, evaluation, run.evaluation_folder(), Record("evaluate"))
    export(run, run.folder / "model.onnx")
    return run.folder / "model.onnx"


@pytest.fixture(scope="session")
def segmentation_run(finished_run: Run, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An untrained run that segments, set to mark a tenth of the pixels as tumor. Tests must not write into it."""
    import torch
    from safetensors.torch import save_file

    from tumorlens.evaluation import gray_slice
    from tumorlens.models import ModelSpec
    from tumorlens.scan import InputGeometry
    from tumorlens.training import load_run

    folder = shutil.copytree(finished_run.folder, tmp_path_factory.mktemp("segmentation") / "run")
    half = (0.5, 0.5, 0.5)
    spec = ModelSpec("efficient_mtnet_s", finished_run.spec.classes, 3, InputGeometry(64), half, half)
    torch.manual_seed(0)
    network = spec.network().eval()
    images = torch.stack([torch.from_numpy(gray_slice(p).copy()) for p in sorted((phantoms / "images").iterdir())])
    with torch.no_grad():
        for module in network.modules():  # so that what passes an untrained network does not fade away
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        network.train()(spec.preprocessing()(images))
        drawn = network.eval()(spec.preprocessing()(images)).mask
        assert drawn is not None
        last = network.segment[-1]
        last.weight *= 4 / drawn.std()
        last.bias.copy_((last.bias - drawn.quantile(0.9)) * 4 / drawn.std())
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(spec.to_dict()))
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "masks": {"fingerprint": "of masks"}}))
    return load_run(folder)


@pytest.fixture(scope="session")
def segmentation_model_file(segmentation_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the network that segments, as an ONNX file."""
    from tumorlens.deploy.export import export

    path = tmp_path_factory.mktemp("segmentation-model") / "masks.onnx"
    export(segmentation_run, path)
    return path


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a training that Ctrl-C ends in the middle of an epoch (counted from 1)."""

    from tumorlens.training import train
    from tumorlens.training.loop.supervised_task import SupervisedTask

    def killed(table: Table, recipe: Any, out: Path, epoch: int, **options: Any) -> None:
        step = SupervisedTask.training_step

        def interrupted(task: SupervisedTask, batch: Any, index: int) -> Any:
            if task.current_epoch + 1 == epoch and index == 1:
                raise KeyboardInterrupt
            return step(task, batch, index)

        with monkeypatch.context() as patch:
            patch.setattr(SupervisedTask, "training_step", interrupted)
            with pytest.raises(KeyboardInterrupt):
                train(table, recipe, out, **options)

    return killed
