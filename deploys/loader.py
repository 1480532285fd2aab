"""The loader on hosts that send load: what `pipeline load --loaders inventory.ini` starts there.

    pyinfra inventory.ini deploys/loader.py

It goes into ~/.cache/pipeline-loader of the SSH user, one directory for each release, and needs Python 3.11 and nothing
else: no root, no package index. Data: `loader`, the folder `loadgen` of this machine, unless it is that of deploys/.
"""

from pyinfra.context import config, host

from deploys.kit.direct import send_at_once
from deploys.kit.reports import tell
from deploys.software.loader import directory_of, installed, loader_folder, platform_here

send_at_once()
config.SUDO = False

LOADER = loader_folder(host.data.get("loader"))
PLATFORM = platform_here()
DIRECTORY = directory_of(LOADER, PLATFORM)

installed(
    name="host: put the loader there",
    loader=LOADER,
    platform=PLATFORM,
    directory=DIRECTORY,
)
tell({"directory": DIRECTORY})
