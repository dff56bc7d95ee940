"""``python -m ui`` is ``fineprint``."""

from ui.cli import main

if __name__ == "__main__":
    main()
