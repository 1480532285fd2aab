"""How many API calls `pipeline prod up`, a second one and `down` make, and the policy that they need.

Run: .venv/bin/python bench/aws_calls.py            the table of docs/aws.md
     .venv/bin/python bench/aws_calls.py --policy   docs/aws-policy.json

Against moto's HTTP server on this machine: no account is needed, and none is used. Where EC2 takes its time, each look
at what is being waited for is one more DescribeInstances (every 5 s).
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.aws_policy import policy, story
from tests.support.aws_server import empty_account, looks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--policy", action="store_true", help="print the policy, instead of the table")
    options = parser.parse_args()
    rows, calls = [], []
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        world = empty_account(patch, Path(directory))
        for name, before, command in story(world):
            before()
            world.calls.clear()
            command()
            looking = sum(looks(call) for call, _ in world.calls)
            rows.append((name, len(world.calls), looking, len(world.calls) - looking))
            calls += world.calls
    if options.policy:
        print(json.dumps(policy(calls), indent=2))
        return
    print("| command | calls | that look | that change |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()
    for name, count in sorted(collections.Counter(name for name, _ in calls).items()):
        print(f"{count:4}  {name}")


if __name__ == "__main__":
    main()
