"""The proof that the monitor sees every host. Runs on the monitor: `python3 -`, parameters as JSON on standard
input.

`prometheus`: its address; `hosts`: the names of those that must answer; `url`: where the page is, repeated in the
result.
Prints a JSON object as its last line: `targets` and `up` count what Prometheus asks, each host's job once, `down`
names those that do not answer (an application that is not deployed yet has several); ends with 1 and one line when
a host is not seen at all within a minute.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any

PATIENCE = 60.0  # seconds: tunnels connect, and two scrapes pass


def asked(address: str) -> list[dict[str, Any]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{address}/api/v1/targets?state=active", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["activeTargets"]
    return found


def main(given: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    wanted = set(given["hosts"])
    while True:
        try:
            targets = asked(given["prometheus"])
        except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
            targets, reason = [], str(error)
        else:
            reason = ""
        good = [target["labels"] for target in targets if target["health"] == "up"]
        bad = [target["labels"] for target in targets if target["health"] == "down"]
        unseen = wanted - {labels.get("host") for labels in good if labels["job"] == "node"}
        # One that was not asked yet is neither.
        if not unseen and len(good) + len(bad) == len(targets):
            break
        if time.monotonic() - began > PATIENCE:
            told = {
                target["labels"].get("host"): target.get("lastError")
                for target in targets
                if target.get("lastError")
            }
            why = (
                reason
                or "; ".join(f"{host}: {told.get(host) or 'not asked yet'}" for host in sorted(unseen))
                or "a target was not asked"
            )
            sys.exit(f"the monitor does not see every host: {why}"[:300])
        time.sleep(0.5)
    # Of the JVMs of an application's two slots one is always down.
    answered = {(labels.get("host", "monitor"), labels["job"]) for labels in good}
    asked_for = answered | {(labels.get("host", "monitor"), labels["job"]) for labels in bad}
    down = [f"{host} {job}" for host, job in sorted(asked_for - answered)]
    return {
        "proof": "every host is seen",
        "url": given["url"],
        "targets": len(asked_for),
        "up": len(answered),
        "down": down,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
