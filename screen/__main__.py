"""``python -m screen`` is the command ``thermoscreen``."""

from screen.cli import main

if __name__ == "__main__":
    main()
