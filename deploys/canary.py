"""Everything a canary needs: HAProxy on `proxy`, the service on `blue` and `green`, exporters and a firewall on all.

One file, so that one pyinfra call (one set of SSH connections) does it all. Each part's file says which data it takes.
"""

from pyinfra import local
from pyinfra.context import host

from deploys.kit.direct import send_at_once
from deploys.kit.places import DEPLOYS

send_at_once()

if "proxy" in host.groups:
    local.include(str(DEPLOYS / "canary_proxy.py"))
local.include(str(DEPLOYS / "canary_exporters.py"))
local.include(str(DEPLOYS / "canary_firewall.py"))
# Last: where the code does not install or start, everything else is done already.
if "blue" in host.groups or "green" in host.groups:
    local.include(str(DEPLOYS / "canary_service.py"))
