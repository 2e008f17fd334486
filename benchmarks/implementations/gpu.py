"""TFLOP/s of a GPU in bfloat16: of one large matrix product, or of batches of a network."""

from __future__ import annotations

import argparse

import torch
from rounds import milliseconds, serve

from tumorlens.models import cost, create

PRODUCT = 8192  # side of the square matrices: large enough for the full rate of a GPU


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", help="'product', or the name of a network")
    parser.add_argument("side", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("times", type=int)
    parser.add_argument("--rate", action="store_true", help="images per second instead")
    options = parser.parse_args()

    device = torch.device("cuda")
    if options.workload == "product":
        matrix = torch.randn(PRODUCT, PRODUCT, device=device, dtype=torch.bfloat16)
        work = 2 * PRODUCT**3

        def call() -> None:
            torch.mm(matrix, matrix)
            torch.cuda.synchronize()
    else:
        torch.backends.cudnn.benchmark = True
        network = create(options.workload, 2).to(device, memory_format=torch.channels_last).eval()
        images = torch.randn(options.batch, 3, options.side, options.side, device=device)
        images = images.contiguous(memory_format=torch.channels_last)
        work = options.batch * 2 * cost(options.workload, 2, input_size=options.side).multiply_adds

        def call() -> None:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
                network(images)
            torch.cuda.synchronize()

    def one_round() -> float:
        seconds = milliseconds(call, options.times) / 1000
        return (options.batch if options.rate else work / 1e12) / seconds

    one_round()
    serve(one_round)


if __name__ == "__main__":
    main()
