"""The least-privilege policy of docs/aws-policy.json: all that is called, and nothing else; each action denied in turn.

moto enforces actions, not conditions and resources: those follow AWS' service authorization reference and are not
tested here. Nor does it ask for ec2:CreateTags when a thing is made with tags, as AWS does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipeline.base.errors import EnvironmentError_
from pipeline.prod.aws.session import connect
from tests.support.aws_policy import policy, story
from tests.support.aws_server import REGION, World, empty_account, post, server

POLICY = Path(__file__).parents[4] / "docs" / "aws-policy.json"


def actions() -> set[str]:
    return {
        action for statement in json.loads(POLICY.read_text())["Statement"] for action in statement["Action"]
    }


def test_the_policy_is_what_the_whole_story_calls(world: World) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    for _, before, command in story(world):
        before()
        world.calls.clear()
        command()
        calls += world.calls
    assert json.loads(POLICY.read_text()) == policy(calls), (
        "bench/aws_calls.py --policy > docs/aws-policy.json"
    )


class Person:
    """An IAM user whose policy an administrator changes while the server enforces it."""

    def __init__(self, world: World) -> None:
        iam = boto3.client("iam", region_name=REGION)
        iam.create_user(UserName="root")
        iam.put_user_policy(UserName="root", PolicyName="p", PolicyDocument=document({"*"}))
        key = iam.create_access_key(UserName="root")["AccessKey"]
        self.admin = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
        self.iam = self.admin.client("iam")
        iam.create_user(UserName="person")
        self.key = iam.create_access_key(UserName="person")["AccessKey"]
        self.world = world

    def may(self, allowed: set[str]) -> None:
        self.iam.put_user_policy(UserName="person", PolicyName="p", PolicyDocument=document(allowed))


def document(allowed: set[str]) -> str:
    statement = {"Effect": "Allow", "Action": sorted(allowed), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody with no rights yet; `person.world` is the account as they see it, after `enforce`."""
    made = Person(empty_account(monkeypatch, tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made.key["SecretAccessKey"])
    made.world.aws = connect("production", REGION)
    made.world.aws.poll = 0.01
    post(server(), "reset-auth", "0")
    yield made
    post(server(), "reset-auth", "inf")


def refusal_of(command: Callable[[], object]) -> EnvironmentError_ | None:
    try:
        command()
    except EnvironmentError_ as error:
        return error
    return None


def test_each_action_denied_in_turn_is_named_in_one_line_and_with_it_the_command_goes_on(
    person: Person,
) -> None:
    """Of each chapter of the story, every call is denied once; what was done before the refusal is not done again."""
    # asked of Service Quotas is what may be refused: the plan goes on without
    needed = actions() - {"ec2:CreateTags", "servicequotas:GetServiceQuota"}
    left = set(needed)
    hands = person.world.aws  # what happens by other hands is done by an administrator
    hands.client, own = person.admin.client("ec2"), hands.client
    chapters = story(person.world)
    for name, before, command in chapters:
        hands.client = person.admin.client("ec2")
        before()
        hands.client = own
        while True:
            person.may({"sts:GetCallerIdentity"} | needed - left)  # a policy must allow something
            error = refusal_of(command)
            if error is None:
                break
            denied = [action for action in left if f"the permission {action} for" in error.message]
            assert len(denied) == 1, f"{name}: {error.message}"
            assert "\n" not in error.message
            assert "docs/aws-policy.json" in str(error.hint)
            left.remove(denied[0])
    assert left == set()
