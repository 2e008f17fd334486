"""What a GPU reaches, in TFLOP a second: with one large matrix product, or with batches of a network, all bfloat16."""

from __future__ import annotations

import argparse

import torch
from rounds import milliseconds, serve

from tumorlens.models import cost, create

PRODUCT = 8192  # side of the square matrices: large enough for a GPU's full rate


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", help="'product', or the name of a network")
    parser.add_argument("side", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("times", type=int)
    parser.add_argument("--rate", action="store_true", help="images a second instead")
    chosen = parser.parse_args()

    device = torch.device("cuda")
    if chosen.what == "product":
        matrix = torch.randn(PRODUCT, PRODUCT, device=device, dtype=torch.bfloat16)
        work = 2 * PRODUCT**3

        def call() -> None:
            torch.mm(matrix, matrix)
            torch.cuda.synchronize()
    else:
        torch.backends.cudnn.benchmark = True
        network = create(chosen.what, 2).to(device, memory_format=torch.channels_last).eval()
        images = torch.randn(chosen.batch, 3, chosen.side, chosen.side, device=device)
        images = images.contiguous(memory_format=torch.channels_last)
        work = chosen.batch * 2 * cost(chosen.what, 2, input_size=chosen.side).multiply_adds

        def call() -> None:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
                network(images)
            torch.cuda.synchronize()

    def one_round() -> float:
        seconds = milliseconds(call, chosen.times) / 1000
        return (chosen.batch if chosen.rate else work / 1e12) / seconds

    one_round()
    serve(one_round)


if __name__ == "__main__":
    main()
