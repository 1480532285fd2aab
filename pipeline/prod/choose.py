"""Which cloud a command is for: prod.yml says it, or `--cloud vagrant`, which needs no file."""

from __future__ import annotations

from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.prod.cloud import Cloud
from pipeline.prod.settings import LocalSettings, Settings, load_settings

__all__ = ["choose_cloud"]


def choose_cloud(path: Path, wanted: str | None) -> Cloud:
    """The cloud of prod.yml at `path`; `wanted` is `aws`, `vagrant`, or None for what the file says.

    Where there is no file, this machine's own hosts are meant if there are any. Raises ConfigError for a file with
    problems, UsageError for one that names another cloud than `wanted`.
    """
    if wanted == "vagrant" or (wanted is None and not path.exists() and _local_is_there()):
        settings = load_settings(path) if path.exists() else LocalSettings()
        return _cloud(settings if isinstance(settings, LocalSettings) else LocalSettings())
    settings = load_settings(path)
    if wanted and settings.cloud != wanted:
        raise UsageError(f"--cloud {wanted}: {path} says cloud: {settings.cloud}", hint="-f another file")
    return _cloud(settings)


def _cloud(settings: Settings | LocalSettings) -> Cloud:
    from pipeline.prod.here import VagrantCloud

    if isinstance(settings, LocalSettings):
        return VagrantCloud(settings.name, settings.provider)
    from pipeline.lab.sets import MONITOR
    from pipeline.prod.aws.cloud import AwsCloud
    from pipeline.prod.local_monitor import WithLocalMonitor

    cloud, here = AwsCloud(settings), VagrantCloud(settings.name, host_set=MONITOR)
    wanted = settings.monitor == "local"
    return WithLocalMonitor(cloud, here, wanted=wanted) if wanted or here.is_there() else cloud


def _local_is_there() -> bool:
    from pipeline.prod.here import VagrantCloud

    return VagrantCloud(LocalSettings().name).is_there()
