"""``python -m tumorlens``."""

from tumorlens.cli import entry

if __name__ == "__main__":
    entry()
