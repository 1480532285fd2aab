"""A check that runs on its host: its parameters are in no argv."""

from __future__ import annotations

import json
import subprocess
import sys

from deploys.kit.proof import program_text


def test_a_proof_reads_its_parameters_from_standard_input_and_they_are_in_no_argv() -> None:
    program = (
        "from __future__ import annotations\nimport json, sys\nfrom pathlib import Path\n"
        "given = json.load(sys.stdin)\n"
        "print(json.dumps({'given': given, 'argv': Path('/proc/self/cmdline').read_text()}))\n"
    )
    parameters = {"password": 'it\'s "hunter2" \\ \n \u2028', "list": [1, None]}
    done = subprocess.run(
        [sys.executable, "-"],
        input=program_text(program, parameters),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["given"] == parameters
    assert "hunter2" not in told["argv"]
