"""The connection to EC2 in one region: credentials as the AWS command line finds them, retries, and patience."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, ProfileNotFound

from pipeline.base.errors import UsageError
from pipeline.prod.aws.tags import filters

__all__ = ["ATTEMPTS", "Aws", "code_of", "connect"]

ATTEMPTS = 8  # of each call, with growing pauses: about a minute of throttling is waited out


@dataclass(slots=True)
class Aws:
    """EC2 for one environment. `client` is botocore's, whose methods exist only at run time, hence Any; `quotas` is the
    client of Service Quotas.

    `poll` is seconds between two looks at something that takes a while.
    """

    client: Any
    quotas: Any
    environment: str
    region: str
    profile: str | None = None
    poll: float = 5.0

    def listed(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        """All of what a Describe call gives, page after page."""
        if not self.client.can_paginate(operation):
            return list(getattr(self.client, operation)(**parameters)[key])
        pages = self.client.get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page.get(key, ())]

    def ours(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        """The same, of what carries the environment's tag."""
        return self.listed(operation, key, Filters=filters(self.environment), **parameters)

    def patiently(
        self,
        call: Callable[..., Any],
        *codes: str,
        done: Collection[str] = (),
        seconds: float = 60,
        **parameters: Any,
    ) -> Any:
        """`call(**parameters)`, again and again for `seconds` while it is refused with one of `codes`.

        A refusal with one of `done` means that it has happened already: botocore repeats a call whose answer got
        lost. The result is then None.

        What was made a moment ago is not yet known to all of EC2 (codes that end in NotFound), and what was removed
        still holds on to things for a while (DependencyViolation).
        """
        end = time.monotonic() + seconds
        while True:
            try:
                return call(**parameters)
            except ClientError as error:
                if _matches(code_of(error), done):
                    return None
                if not _matches(code_of(error), codes) or time.monotonic() >= end:
                    raise
            time.sleep(min(self.poll, 2.0))


def code_of(error: ClientError) -> str:
    """EC2's code of a refusal, as in `InvalidVpcID.NotFound`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _matches(code: str, codes: Collection[str]) -> bool:
    """Whether `code` is one of `codes`; one of them that begins with a dot stands for all codes that end so."""
    return any(code == one or (one.startswith(".") and code.endswith(one)) for one in codes)


def connect(environment: str, region: str | None, profile: str | None = None) -> Aws:
    """EC2 in `region`; without one in that of AWS_REGION or AWS_DEFAULT_REGION, else in the profile's.

    Nothing is asked yet. Raises UsageError for a region or profile that does not exist, or where none is named.
    """
    region = (
        region or os.environ.get("AWS_REGION") or None
    )  # which boto3, other than the command line, does not read
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        there = ", ".join(botocore.session.get_session().available_profiles) or "none at all"
        raise UsageError(
            f"AWS: {error} (there is {there})",
            hint="aws configure list-profiles; then profile: in prod.yml, or AWS_PROFILE",
        ) from None
    if (region := session.region_name) is None:
        raise UsageError(
            "no region is named: not in prod.yml, not by AWS_REGION, not by the profile",
            hint="region: in prod.yml, such as eu-central-1; aws ec2 describe-regions",
        )
    known = [
        name
        for part in session.get_available_partitions()
        for name in session.get_available_regions("ec2", part)
    ]
    if region not in known:
        close = difflib.get_close_matches(region, known, 1)
        raise UsageError(
            f"AWS has no region '{region}'" + (f"; did you mean {close[0]}?" if close else ""),
            hint="region: in prod.yml, AWS_REGION, or the profile's region",
        )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, connect_timeout=10, read_timeout=60
    )
    once = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=10)
    quotas = session.client("service-quotas", config=once)
    return Aws(
        session.client("ec2", config=config), quotas, environment, region, profile or session.profile_name
    )
