"""Which cloud a command is for: prod.yml says it, or `--cloud vagrant`, which needs no file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipeline.base.errors import UsageError
from pipeline.prod.cloud import Cloud
from pipeline.prod.settings import LocalSettings, Settings, load_settings

__all__ = ["choose_cloud"]

_USUAL: Final = Path("prod.yml")


def choose_cloud(named: Path | None, wanted: str | None, *, removes: bool = False) -> Cloud:
    """The cloud that a command is for.

    Args:
        named: The file that the user named, which must be there; None: prod.yml, if there is one.
        wanted: `aws`, `vagrant`, or None for what the file says. Without a file, this machine's own hosts are meant
            if there are any.
        removes: Whether the command removes hosts. Then a file or `wanted` must say which: none are guessed.

    Raises:
        ConfigError: The file has problems, or is not there.
        UsageError: The file names another cloud than `wanted`, or nothing names what is to be removed.
    """
    path = named or _USUAL
    there = path.exists()
    if removes and wanted is None and named is None and not there:
        raise UsageError(
            f"there is no {path} here, so nothing says which hosts are to be removed",
            hint="pipeline prod down --cloud vagrant, for those on this machine; or -f FILE",
        )
    if named is None and not there and (wanted == "vagrant" or (wanted is None and _local_is_there())):
        return _cloud(LocalSettings())
    settings = load_settings(path)
    if wanted == "vagrant":
        return _cloud(settings if isinstance(settings, LocalSettings) else LocalSettings())
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
