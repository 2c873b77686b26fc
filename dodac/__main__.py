"""Runs `python -m dodac` as the command `dodac`."""

import sys

from dodac.cli import main

sys.exit(main())
