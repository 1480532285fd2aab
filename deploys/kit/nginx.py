"""nginx in front of an application: one site. Its traffic goes to the port that the application's upstream file names;
the site's template includes that file: `upstream NAME { include {{ upstream }}; }`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit import packages
from deploys.kit.rendering import render
from deploys.kit.scripts import Script, script

__all__ = ["DRAIN", "serve", "site"]

# Seconds that nginx's old workers may take to end their requests before what serves them is stopped.
DRAIN: Final = 20


def site(app: str, template: str, **variables: object) -> None:
    """nginx installed, enabled and running, with `templates/TEMPLATE` as /etc/nginx/conf.d/APP.conf; no default site.

    The template is Jinja2 and gets `variables`, `app` and `upstream`: the path of the upstream file
    (/etc/nginx/pipeline/APP.upstream), which is made where it is not there and otherwise left to `slots.activate`.
    A site that nginx refuses never replaces the one that works. The caller checks what goes into the template.
    """
    packages.ensure(["nginx", "curl"], hold=["nginx"])
    upstream = f"/etc/nginx/pipeline/{app}.upstream"
    content = render(template, app=app, upstream=upstream, **variables)
    serve(name="Write nginx's site, checked, and load it", app=app, content=content)


@operation()
def serve(app: str, content: str) -> Generator[StringCommand, None, None]:
    """Write a site and load it, unless nginx serves exactly this one already."""

    def text(mode: str) -> Script:
        return script("nginx_reload", "nginx_site", app=app, content=content, drain=DRAIN, mode=mode)

    to_do = host.get_fact(Command, "sh -s", _stdin=text("check"))
    if not to_do:
        host.noop("nginx serves this site")
        return
    yield StringCommand("sh", "-s", _stdin=text("serve"))
