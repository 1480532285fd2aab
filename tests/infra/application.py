"""What is to be found of each application on a host: docs/deploys.md, as data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["APPLICATIONS", "CHECKBOX", "ITRUST", "Application", "Database"]


@dataclass(frozen=True)
class Database:
    """A database server on the host: systemd `unit`, TCP `port`, Unix `user` it runs as."""

    unit: str
    port: int
    user: str


@dataclass(frozen=True)
class Application:
    """`name` is also the Unix user and the inventory group.

    `ports`: of the two slots, on loopback. `listen`: nginx's. `alive`: a path that is answered well only with a
    working database. `restart_seconds`: how long a killed application may take until it answers again.
    `secrets`: shell patterns of files on the host that hold secrets. `way`: a file that says
    `uri` where the database is elsewhere.
    """

    name: str
    ports: tuple[int, int]
    listen: int
    database: Database
    packages: tuple[str, ...]
    alive: str
    restart_seconds: int
    secrets: tuple[str, ...]
    way: str = ""

    @property
    def home(self) -> str:
        return f"/srv/{self.name}"

    def unit(self, port: int) -> str:
        return f"{self.name}@{port}.service"


CHECKBOX = Application(
    name="checkbox",
    ports=(3002, 3003),
    listen=80,
    database=Database("mongod.service", 27017, "mongodb"),
    packages=("nginx", "nodejs", "npm", "python3-pymongo"),
    alive="/api/study/listing",
    restart_seconds=30,
    secrets=("/srv/checkbox/slots/*/environment", "/root/.mongodb-admin"),
    way="/srv/checkbox/mongodb",
)
ITRUST = Application(
    name="itrust",
    ports=(8081, 8082),
    listen=8080,
    database=Database("mariadb.service", 3306, "mysql"),
    packages=("nginx", "default-jre-headless", "tomcat10-common", "mariadb-server"),
    alive="/iTrust2/login",
    restart_seconds=180,
    secrets=("/srv/itrust/slots/*/environment", "/srv/itrust/releases/*/webapp/WEB-INF/classes/*.properties"),
)
APPLICATIONS = (CHECKBOX, ITRUST)
