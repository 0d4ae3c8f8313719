"""optplan explain results/<study>/<experiment>/seed-<n>/states/<state>.json"""

import argparse
import sys

from optplan.reporting.explain import explain
from optplan.study import read_record


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(prog="optplan", description="Look into a finished plan.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("explain", help="why a state has the parent it has")
    command.add_argument("record", help="the state's record: .../seed-<n>/states/<state>.json")
    command.set_defaults(run=lambda options: explain(read_record(options.record)))
    options = parser.parse_args(arguments)
    try:
        print(options.run(options))
    except (OSError, ValueError) as error:
        sys.exit(f"optplan: {error}")


if __name__ == "__main__":
    main()
