"""About what things cost: enough to decide whether to carry out a plan. A bill is more exact."""

from __future__ import annotations

__all__ = ["ADDRESS", "SOURCE", "instance_hourly", "storage_hourly"]

SOURCE = (
    "list prices of us-east-1, November 2026, before tax, traffic and credits; most other regions cost more"
)
# https://aws.amazon.com/ec2/pricing/on-demand/ : Linux, shared, us-east-1, USD an hour, of the smallest size listed
# for each family; within a family a price doubles with the size.
_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge")
_FAMILIES = {
    "t3": ("nano", 0.0052),
    "t3a": ("nano", 0.0047),
    "t4g": ("nano", 0.0042),
    "m5": ("large", 0.096),
    "m6i": ("large", 0.096),
    "m6g": ("large", 0.077),
    "m7i": ("large", 0.1008),
    "m7g": ("large", 0.0816),
    "c5": ("large", 0.085),
    "c6i": ("large", 0.085),
    "c6g": ("large", 0.068),
    "r5": ("large", 0.126),
    "r6i": ("large", 0.126),
}
ADDRESS = 0.005  # a public IPv4 address, an hour: https://aws.amazon.com/vpc/pricing/
_GP3_MONTH = 0.08  # a GB of gp3 for a month: https://aws.amazon.com/ebs/pricing/
_HOURS = 730  # in a month, as AWS counts


def instance_hourly(kind: str) -> float | None:
    """USD an hour for an instance type while it runs; None when this table does not have it.

    >>> instance_hourly("t3.small"), instance_hourly("t3.medium"), instance_hourly("m5.large")
    (0.0208, 0.0416, 0.096)
    >>> instance_hourly("m5.small"), instance_hourly("p5.48xlarge")
    (None, None)
    """
    family, _, size = kind.partition(".")
    if family not in _FAMILIES or size not in _SIZES:
        return None
    smallest, price = _FAMILIES[family]
    steps = _SIZES.index(size) - _SIZES.index(smallest)
    return round(price * 2**steps, 4) if steps >= 0 else None


def storage_hourly(gigabytes: int) -> float:
    """USD an hour for a gp3 disk.

    >>> round(storage_hourly(20), 4)
    0.0022
    """
    return gigabytes * _GP3_MONTH / _HOURS
