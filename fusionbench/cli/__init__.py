"""The command line: one small module a command, and the only place that prints.

Modules here import what they run inside their functions, so that `fusionbench --help` answers at once.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an error a person can act on is one line on standard error and exit status 1."""
    from fusionbench.cli.app import app
    from fusionbench.errors import FusionbenchError

    try:
        app()
    except FusionbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("interrupted: finished images are kept, the same command continues", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
