"""The training loop on Lightning: task, losses, optimizers, checkpoints, schedule."""
