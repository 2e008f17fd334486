"""What training changes in the process is as before when it ends, and Ctrl-C stays Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from tumorlens._progress import silent
from tumorlens.training import load_recipe
from tumorlens.training.loop.fit import fit, quiet, reproducible

LOGGERS = ("lightning.pytorch", "lightning.fabric")


def test_lightning_is_quiet_in_the_block_only(caplog: pytest.LogCaptureFixture) -> None:
    before = [logging.getLogger(name).level for name in LOGGERS]
    with contextlib.suppress(ZeroDivisionError), quiet():
        assert [logging.getLogger(name).level for name in LOGGERS] == [logging.ERROR] * 2
        logging.getLogger("lightning.pytorch.utilities").warning("advice")
        raise ZeroDivisionError
    assert [logging.getLogger(name).level for name in LOGGERS] == before
    assert not caplog.records


@pytest.mark.parametrize("on", [True, False])
def test_deterministic_algorithms_end_with_the_block(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    settings: Any = torch.utils.deterministic
    fill = settings.fill_uninitialized_memory
    assert fill
    with reproducible(on):
        assert settings.fill_uninitialized_memory is not on
        assert ("CUBLAS_WORKSPACE_CONFIG" in os.environ) is on
        torch.use_deterministic_algorithms(True)
    assert settings.fill_uninitialized_memory is fill
    assert torch.get_deterministic_debug_mode() == 0


@pytest.fixture
def ended_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run a training that Lightning ends in some way."""

    def run(end: Any) -> None:
        monkeypatch.setattr(L.Trainer, "fit", lambda *_, **__: end())
        recipe = load_recipe("demo", ["stop.patience=2", "precise_batch_norm=true", "precision=float32"])
        fit(None, (None, None), recipe, tmp_path, resume=True, progress=silent)  # type: ignore[arg-type]

    return run


def test_ctrl_c_in_lightning_is_a_keyboard_interrupt_and_works_again(ended_by: Any) -> None:
    handler = signal.getsignal(signal.SIGINT)

    def lightning() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise SystemExit(1)  # noqa: B904 (as Lightning does)

    with pytest.raises(KeyboardInterrupt):
        ended_by(lightning)
    assert signal.getsignal(signal.SIGINT) is handler


def test_another_exit_stays_an_exit(ended_by: Any) -> None:
    def leave() -> None:
        raise SystemExit(7)

    with pytest.raises(SystemExit) as caught:
        ended_by(leave)
    assert caught.value.code == 7
