"""Fixtures of all tests: phantoms, and models that are trained on them once per run of the suite.

Workers of pytest-xdist share these folders: the first that needs one builds it under a lock, and the others wait. Tests
must not write into them.
"""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from tests.fixtures.one_thread import PARALLEL  # before NumPy is imported
from tumorlens.auditing import split_folds
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.phantom import make

if TYPE_CHECKING:
    from tumorlens.evaluation import Evaluation
    from tumorlens.training import Run


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: at the end workers steal short tests from one another, and no long one runs alone.

    What ``slow(turn="start")`` begins has a minute or more until ``slow(turn="end")``: three slow tests are between.
    """
    by_turn: dict[str, list[pytest.Item]] = {turn: [] for turn in ("start", "end", "", "ordinary")}
    for item in items:
        slow = item.get_closest_marker("slow")
        by_turn[slow.kwargs.get("turn", "") if slow else "ordinary"].append(item)
    others = by_turn[""]
    items[:] = by_turn["start"] + others[:3] + by_turn["end"] + others[3:] + by_turn["ordinary"]


@pytest.fixture(autouse=True)
def one_thread_again() -> Iterator[None]:
    """Undo --threads: a verb that ran in this worker sets the threads of PyTorch for all tests after it."""
    yield
    torch = sys.modules.get("torch")
    if PARALLEL and torch and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def build_once(factory: pytest.TempPathFactory, folder: str, build: Callable[[Path], object]) -> Path:
    """A folder that one worker builds and all workers of this run of the suite use.

    Args:
        factory: of pytest.
        folder: path below the folder of the suite, which is that of this process without pytest-xdist.
        build: called with the path of the folder; its parent exists.

    Returns:
        The folder.
    """
    root = factory.getbasetemp().parent if PARALLEL else factory.getbasetemp()
    path = root / folder
    complete = path.with_name(f"{path.name}.complete")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if not complete.exists():
            shutil.rmtree(path, ignore_errors=True)  # of a worker that failed
            build(path)
            complete.touch()
    return path


def beside_tests(folder: str) -> str:
    """A folder as deep as those of tests, so that relative paths of runs also hold in a copy at `tmp_path`."""
    return f"shared/{folder}" if PARALLEL else folder


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache_in_temporary_folder(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded images out of the home folder of the user."""
    monkeypatch.setenv("TUMORLENS_CACHE", str(shared_cache))


@pytest.fixture
def plain_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages have no charts: for tests that look at what is beside them."""
    from tests.fixtures.plain_charts import leave_charts_out

    leave_charts_out(monkeypatch)


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 12 phantom patients with two slices of 64 x 64 pixels each; three patients of each class."""
    return build_once(tmp_path_factory, "phantoms/set", lambda path: make(path, patients=12, slices=2, size=64))


@pytest.fixture(scope="session")
def phantom_table(phantoms: Path) -> Table:
    """The phantoms split by patient: one of each class in train, in validation and in test."""
    return split_folds(open_table(phantoms), folds=3, val=0.34)


@pytest.fixture(scope="session")
def finished_run(phantom_table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network, trained on the phantoms for two epochs; not evaluated. Tests must not write into it."""
    from tumorlens.training import load_recipe, load_run, train

    def build(path: Path) -> None:
        recipe = load_recipe("demo", ["input.size=48", "epochs=2", "batch_size=4"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TUMORLENS_CACHE", str(shared_cache))
            train(phantom_table, recipe, path)

    return load_run(build_once(tmp_path_factory, beside_tests("finished/run"), build))


@pytest.fixture
def own_run(finished_run: Run, tmp_path: Path) -> Run:
    """A copy of the finished run to write into, equally deep, so that the relative paths of its table hold."""
    from tumorlens.training import load_run

    assert len(finished_run.folder.parents) == len((tmp_path / "run").parents)
    return load_run(shutil.copytree(finished_run.folder, tmp_path / "run"))


@pytest.fixture(scope="session")
def model_file(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run as an ONNX model."""
    from tumorlens.deploy.export import export

    def build(path: Path) -> None:
        path.mkdir()
        export(finished_run, path / "phantoms.onnx")

    return build_once(tmp_path_factory, beside_tests("model"), build) / "phantoms.onnx"


@pytest.fixture(scope="session")
def mini_resnet_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniResNet of four classes and three channels as `benchmark` exports it, as an ONNX file."""
    from tumorlens.benchmarking.benchmark import _cost
    from tumorlens.benchmarking.benchmark_result import BenchmarkedNetwork

    def build(path: Path) -> None:
        path.mkdir()
        assert _cost(BenchmarkedNetwork("mini_resnet", 4, 3, 128, (), 128), path / "graph.onnx", ()).error == ""

    return build_once(tmp_path_factory, "mini-resnet", build) / "graph.onnx"


@pytest.fixture(scope="session")
def evaluated_run(finished_run: Run, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The finished run, evaluated on its test subset with all default analyses. Tests must not write into it."""
    from tumorlens._record import Record
    from tumorlens.evaluation import evaluate, write_evaluation
    from tumorlens.training import load_run

    def build(path: Path) -> None:
        unused = shutil.ignore_patterns("checkpoints", "tensorboard")
        run = load_run(shutil.copytree(finished_run.folder, path, ignore=unused))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TUMORLENS_CACHE", str(shared_cache))
            found = evaluate(run, n_resamples=100)
        write_evaluation(run, found, run.evaluation_folder(), Record("evaluate"))
        (path.parent / "evaluation.pickle").write_bytes(pickle.dumps(found))

    return load_run(build_once(tmp_path_factory, beside_tests("evaluated/phantom-run"), build))


@pytest.fixture(scope="session")
def evaluation(evaluated_run: Run) -> Evaluation:
    """The evaluation of the evaluated run, as `evaluate` returned it."""
    found: Evaluation = pickle.loads((evaluated_run.folder.parent / "evaluation.pickle").read_bytes())
    return found


@pytest.fixture(scope="session")
def evaluated_model_file(evaluated_run: Run, model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluated run as an ONNX model with a complete card."""
    from tests.fixtures.known_graph import use_graph
    from tumorlens.deploy.export import export
    from tumorlens.training import load_run

    def build(path: Path) -> None:
        run = load_run(shutil.copytree(evaluated_run.folder, path))
        with pytest.MonkeyPatch.context() as patch:
            use_graph(patch, model_file)
            export(run, run.folder / "model.onnx")

    return build_once(tmp_path_factory, beside_tests("evaluated-model/phantom-run"), build) / "model.onnx"


@pytest.fixture(scope="session")
def segmentation_run(finished_run: Run, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An untrained run that segments, set to mark a tenth of the pixels as tumor. Tests must not write into it.

    With one step of LightHam instead of six, which are traced in a third less time; `test_efficient_mtnet.py` exports
    all six.
    """
    from tumorlens.training import load_run

    def build(path: Path) -> None:
        shutil.copytree(finished_run.folder, path)
        _make_segmentation_weights(path, finished_run, sorted((phantoms / "images").iterdir()))

    return load_run(build_once(tmp_path_factory, beside_tests("segmentation/run"), build))


def _make_segmentation_weights(folder: Path, run: Run, paths: list[Path]) -> None:
    """Replace the network of a run by an untrained one whose mask logits have a fixed distribution."""
    import torch
    from safetensors.torch import save_file

    from tumorlens.evaluation import gray_slice
    from tumorlens.models import ModelSpec
    from tumorlens.scan import InputGeometry

    half = (0.5, 0.5, 0.5)
    spec = ModelSpec("efficient_mtnet_s", run.spec.classes, 3, InputGeometry(64), half, half, options={"steps": 1})
    torch.manual_seed(0)
    network = spec.network().eval()
    images = torch.stack([torch.from_numpy(gray_slice(path).copy()) for path in paths])
    with torch.no_grad():
        for module in network.modules():  # so that activations of an untrained network do not vanish
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        network.train()(spec.preprocessing()(images))
        logits = network.eval()(spec.preprocessing()(images)).mask
        assert logits is not None
        last = network.segment[-1]
        last.weight *= 4 / logits.std()
        last.bias.copy_((last.bias - logits.quantile(0.9)) * 4 / logits.std())
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(spec.to_dict()))
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "masks": {"fingerprint": "of masks"}}))


@pytest.fixture(scope="session")
def segmentation_model_file(segmentation_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The segmentation run as an ONNX model."""
    from tumorlens.deploy.export import export

    def build(path: Path) -> None:
        path.mkdir()
        export(segmentation_run, path / "masks.onnx")

    return build_once(tmp_path_factory, beside_tests("segmentation-model"), build) / "masks.onnx"


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
