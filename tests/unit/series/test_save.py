"""Series that were fetched, kept as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.series.config import load_config
from pipeline.series.csvfile import read_series_csv
from pipeline.series.samples import Samples
from pipeline.series.save import save


def test_a_metric_called_like_a_formula_is_kept_as_text_and_judged_again(tmp_path: Path) -> None:
    name = "=1+1"
    config = tmp_path / "judge.yml"
    config.write_text(
        f"metrics:\n  - {{name: queue, kind: level, margin: 5, unit: jobs, csv: {{column: '{name}'}}}}\n"
    )
    samples = {"baseline": {"queue": Samples(np.arange(3.0), np.asarray([-1.0, 2.0, 3.0]))}}
    save(load_config(config, "csv"), samples, tmp_path)
    assert (tmp_path / "baseline.csv").read_text().splitlines()[1] == "0.000,'=1+1,-1"
    assert read_series_csv(tmp_path / "baseline.csv")[name].tolist() == [-1.0, 2.0, 3.0]
