"""The training loop on Lightning: task, losses, optimizers, schedules, checkpoints."""
