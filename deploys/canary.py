"""Everything a canary needs: HAProxy on `proxy`, the service on `blue` and `green`, exporters and a firewall on all.

    pyinfra inventory.ini deploys/canary.py --data repo=... --data baseline=REF --data canary=REF [--data profile=...]

One file, so that one pyinfra call (one set of SSH connections) does it all. Each part's file says which data it takes;
what a host was not given comes from its profile (kit/canary_data.py). Plain pyinfra puts the proxy on blue and measures
nothing; the service's port is then open to all, unless `port_from` names the proxy's addresses.
"""

from pyinfra import local
from pyinfra.context import host

from deploys.kit.canary_data import complete
from deploys.kit.direct import send_at_once
from deploys.kit.places import DEPLOYS

send_at_once()
complete()

if "proxy" in host.groups:
    local.include(str(DEPLOYS / "canary_proxy.py"))
local.include(str(DEPLOYS / "canary_exporters.py"))
local.include(str(DEPLOYS / "canary_firewall.py"))
# Last: where the code does not install or start, everything else is done already.
if "blue" in host.groups or "green" in host.groups:
    local.include(str(DEPLOYS / "canary_service.py"))
