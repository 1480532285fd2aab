"""The token of RunInstances, by which EC2 knows a request that it has had before. moto ignores it."""

from __future__ import annotations

from typing import Any

from pipeline.prod.aws import instances
from pipeline.prod.aws.found import Ids
from pipeline.prod.aws.images import Image
from pipeline.prod.aws.session import Aws
from tests.support.aws_server import REGION, wanted


def test_the_same_request_has_the_same_token_and_one_of_a_removed_host_is_not_used_again() -> None:
    """EC2 gives the instance that a token was used for, even one that is gone."""

    class Client:
        tokens: list[str]

        def run_instances(self, ClientToken: str, **_: Any) -> dict[str, Any]:
            self.tokens.append(ClientToken)
            state = "terminated" if len(self.tokens) % 3 else "pending"
            return {"Instances": [{"InstanceId": f"i-{len(self.tokens)}", "State": {"Name": state}}]}

    client = Client()
    client.tokens = []
    settings = wanted()
    ids = Ids(
        "vpc-1", "subnet-1", groups={"checkbox": "sg-1", "itrust": "sg-2", "monitor": "sg-3"}, key="key"
    )
    host = next(settings.hosts())
    for _ in range(2):
        instances.create(
            Aws(client, None, "production", REGION),
            ids,
            settings,
            host,
            Image("ami-1", "debian", "/dev/xvda"),
        )
    assert len(client.tokens) == 6
    assert client.tokens[:3] == client.tokens[3:]
    assert len(set(client.tokens)) == 3
    assert ids.made == {"i-3", "i-6"}
