"""A folder of images -> seconds to decode every file once with PIL, on all cores."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from rounds import serve


def main() -> None:
    paths = [path for path in sorted(Path(sys.argv[1]).rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]

    def decode(path: Path) -> int:
        with Image.open(path) as image:
            return np.asarray(image.convert("L")).size

    def one_round() -> float:
        start = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            sum(threads.map(decode, paths))
        return time.perf_counter() - start

    one_round()
    serve(one_round)


if __name__ == "__main__":
    main()
