"""A folder of images -> report.html, audit.json and run.json, as `tumorlens audit` writes them; seconds."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rounds import serve

from tumorlens._record import Record
from tumorlens.auditing import audit
from tumorlens.auditing.page.audit_files import write_audit
from tumorlens.datasets import open_table


def main() -> None:
    """Audit the folder in every round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-shortcuts", action="store_true")
    options = parser.parse_args()

    def one_round() -> float:
        with TemporaryDirectory() as out:
            begun = time.perf_counter()
            record = Record("audit", seed=0)
            write_audit(audit(open_table(options.folder), shortcuts=not options.no_shortcuts), Path(out), record)
            return time.perf_counter() - begun

    one_round()
    serve(one_round)


if __name__ == "__main__":
    main()
