"""What runs: every part with its command, its settings and its health check."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from . import probes, redis_users, servers
from .process import Part
from .run_folder import ROOT, RunFolder, write_atomically
from .settings import Given, Ports, Secrets, Server, SettingError, server

BROKER = ("APIUM_BROKER_URL", "APIUM_RESULT_BACKEND")
# How often products may be checked.
INTERVALS = ("PRICEWATCH_CHECK_INTERVAL", "PRICEWATCH_CHECK_INTERVAL_MINIMUM", "PRICEWATCH_CHECK_INTERVAL_MAXIMUM")
LOGS = ("LOG_LEVEL", "LOG_FORMAT", "LOG_SPANS")
# Users of a Redis that is ours: those of the processes, and those of people who look at it and repair it.
REDIS_USERS = (*redis_users.PROCESSES, "monitor", "operator")
# Which settings each process gets: the parser, which reads hostile pages, holds no credentials at all.
SETTINGS_OF = {
    "parser": ("PRICEWATCH_PARSER_ADDRESS", "PRICEWATCH_PARSER_ALLOWED_HOSTS", "PRICEWATCH_WILDBERRIES_CARD_URL", "PRICEWATCH_WILDBERRIES_HOSTS"),
    "api": (
        *BROKER,
        "PRICEWATCH_DATABASE_URL",
        "PRICEWATCH_PARSER_ADDRESS",
        "PRICEWATCH_API_HOST",
        "PRICEWATCH_API_PORT",
        "PRICEWATCH_PUBLIC_URL",
        "PRICEWATCH_SERVICE_TOKEN",
        "PRICEWATCH_ADMIN_USER",
        "PRICEWATCH_ADMIN_PASSWORD",
        *INTERVALS,
    ),
    "worker": (
        *BROKER,
        "PRICEWATCH_DATABASE_URL",
        "PRICEWATCH_PARSER_ADDRESS",
        *INTERVALS,
        "PRICEWATCH_FAILURES_UNTIL_TOLD",
        "PRICEWATCH_FAILURES_UNTIL_PAUSED",
        "PRICEWATCH_HISTORY_DAYS",
        "PRICEWATCH_SENT_DAYS",
        "PRICEWATCH_SHOP_RATE",
        "PRICEWATCH_SHOP_CONCURRENCY",
        "PRICEWATCH_WATCHES_PER_USER",
        "APIUM_CONCURRENCY",
    ),
    "beat": (*BROKER, "APIUM_SCHEDULE"),
    "bot": (*BROKER, "PRICEWATCH_API_WS_URL", "PRICEWATCH_SERVICE_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_API_BASE_URL"),
}
PRODUCTS = ["parser", "api", "worker", "beat", "bot", "sample-shop", "chat", "apium"]


@dataclass
class Plan:
    """The parts in the order in which they start, and the addresses to look at."""

    parts: list[Part]
    urls: dict[str, str]
    settings: dict[str, str]


# Programs that end what they have begun, and how long they may: more than the 25 s and 3 s that running jobs have.
LONG_STOPS = ("api", "worker", "bot")
LONG_STOP_SECONDS = 40.0


class Planner:
    """Turns settings into parts."""

    def __init__(self, folder: RunFolder, given: Given, programs: Path) -> None:
        self.folder = folder
        self.given = given
        self.programs = programs
        self.secrets = Secrets(folder)
        self.ports = Ports(folder)
        self.settings: dict[str, str] = {}
        # Users of the private Redis.
        self.users: dict[str, Server] = {}

    def plan(self) -> Plan:
        """All parts."""
        redis = server(self.given, "APIUM_BROKER_URL", "redis://127.0.0.1:6379/0", "REDIS_PASSWORD", self.secrets, self.ports)
        postgres = server(
            self.given, "PRICEWATCH_DATABASE_URL", "postgres://pricewatch@127.0.0.1:5432/pricewatch", "POSTGRES_PASSWORD", self.secrets, self.ports
        )
        api = self.port_of("api", "PRICEWATCH_API_PORT")
        site = self.loopback_port("site", "PRICEWATCH_PUBLIC_URL")
        parser = self.parser_port()
        shop = self.port_of("sample-shop", "DEPLOY_SHOP_PORT")
        chat = None if self.given.get("TELEGRAM_BOT_TOKEN") else self.port_of("chat", "DEPLOY_CHAT_PORT")
        if redis.private:
            self.users = {name: replace(redis, user=name, password=self.secrets.get(f"REDIS_{name.upper()}_PASSWORD")) for name in REDIS_USERS}
        self.choose_settings(redis, postgres, api, site, parser, shop, chat)
        parts = [*self.private_servers(redis, postgres), self.shop(shop)]
        if chat:
            parts.append(self.chat(chat))
        parts += [self.parser(), self.api(api), self.worker(), self.beat(), self.bot(), self.nginx(site, api)]
        known = {part.name for part in parts}
        for part in parts:
            part.after = tuple(name for name in part.after if name in known)
        self.ports.save()
        self.save_environment()
        urls = {"site": self.settings["PRICEWATCH_PUBLIC_URL"], "shop": f"http://127.0.0.1:{shop}"}
        if chat:
            urls["chat"] = f"http://127.0.0.1:{chat}"
        return Plan(parts, urls, self.settings)

    # Settings.

    def choose_settings(self, redis: Server, postgres: Server, api: int, site: int, parser: int, shop: int, chat: int | None) -> None:
        """Every setting of every process: the user's, or what suits a stack on one machine."""
        shop_hosts = f"127.0.0.1:{shop},localhost:{shop}"
        suited = {
            "APIUM_BROKER_URL": redis.url,
            "PRICEWATCH_DATABASE_URL": postgres.url,
            "PRICEWATCH_API_PORT": str(api),
            "PRICEWATCH_PARSER_ADDRESS": f"127.0.0.1:{parser}",
            "PRICEWATCH_PUBLIC_URL": f"http://127.0.0.1:{site}",
        }
        fallback = {
            "APIUM_RESULT_BACKEND": redis.url,
            "PRICEWATCH_PARSER_ALLOWED_HOSTS": shop_hosts,
            "PRICEWATCH_WILDBERRIES_CARD_URL": f"http://127.0.0.1:{shop}",
            "PRICEWATCH_WILDBERRIES_HOSTS": f"www.wildberries.ru,wildberries.ru,{shop_hosts}",
            "PRICEWATCH_API_HOST": "127.0.0.1",
            "PRICEWATCH_API_WS_URL": f"ws://127.0.0.1:{api}/ws",
            "PRICEWATCH_ADMIN_USER": "admin",
            # Shorter than beat's period of 10 s: a product checked in one slot is due again in the next.
            "PRICEWATCH_CHECK_INTERVAL": "5",
            "PRICEWATCH_CHECK_INTERVAL_MINIMUM": "5",
            "PRICEWATCH_CHECK_INTERVAL_MAXIMUM": "604800",
            "PRICEWATCH_FAILURES_UNTIL_TOLD": "3",
            "PRICEWATCH_FAILURES_UNTIL_PAUSED": "6",
            "PRICEWATCH_HISTORY_DAYS": "90",
            "PRICEWATCH_SENT_DAYS": "30",
            # There is one shop, and it is ours.
            "PRICEWATCH_SHOP_RATE": "0",
            "PRICEWATCH_SHOP_CONCURRENCY": "0",
            "PRICEWATCH_WATCHES_PER_USER": "100",
            "APIUM_CONCURRENCY": "16",
            "APIUM_SCHEDULE": str(ROOT / "beat" / "schedule.yaml"),
            "LOG_LEVEL": "info",
            "LOG_FORMAT": "text",
            "LOG_SPANS": "0",
        }
        for name in ("PRICEWATCH_SERVICE_TOKEN", "PRICEWATCH_ADMIN_PASSWORD"):
            fallback[name] = self.given.get(name) or self.secrets.get(name)
        if chat:
            # Telegram's form of a token: the bot's number, a colon, 35 characters.
            fallback["TELEGRAM_BOT_TOKEN"] = self.secrets.get("LOCAL_BOT_TOKEN", f"1000000:{os.urandom(18).hex()[:35]}")
            suited["TELEGRAM_API_BASE_URL"] = f"http://127.0.0.1:{chat}"
        else:
            fallback["TELEGRAM_API_BASE_URL"] = "https://api.telegram.org"
        given = {name: value for name in fallback if (value := self.given.get(name))}
        self.settings = {**fallback, **given, **suited}
        schedule = Path(self.settings["APIUM_SCHEDULE"])
        self.settings["APIUM_SCHEDULE"] = str(schedule if schedule.is_absolute() else ROOT / schedule)

    def save_environment(self) -> None:
        """Leaves the settings where a person's own call of a program finds them."""
        lines = [f"{name}={value}" for name, value in sorted(self.settings.items())]
        write_atomically(self.folder.environment, "\n".join(lines) + "\n", mode=0o600)

    def port_of(self, name: str, setting: str) -> int:
        """A part's port by a setting that is a port."""
        value = self.given.get(setting)
        if value is not None and not (value.isdigit() and 1 <= int(value) <= 65535):
            raise SettingError(f'{setting}: "{value}" is no port; ports are 1 to 65535')
        return self.ports.choose(name, int(value) if value else None, setting)

    def loopback_port(self, name: str, setting: str) -> int:
        """A part's port by a setting that is an address."""
        parts = self.given.url(setting)
        return self.ports.choose(name, parts.port if parts else None, setting)

    def parser_port(self) -> int:
        """The port of host:port."""
        value = self.given.get("PRICEWATCH_PARSER_ADDRESS")
        port = value.rpartition(":")[2] if value else ""
        if value and not port.isdigit():
            raise SettingError(f'PRICEWATCH_PARSER_ADDRESS: "{value}" is no host:port')
        return self.ports.choose("parser", int(port) if port else None, "PRICEWATCH_PARSER_ADDRESS")

    # Parts.

    def private_servers(self, redis: Server, postgres: Server) -> list[Part]:
        """Redis and PostgreSQL, where they are ours."""
        parts = []
        if redis.private:
            passwords = {name: redis_users.hashed(user.password) for name, user in self.users.items()}
            command = servers.redis_command(self.folder, redis, redis_users.lines(redis_users.Deployment(database=int(redis.path.strip("/") or 0)), passwords))
            parts.append(Part("redis", command, probes.redis(redis.url), redis.public_url, environment(), folder=str(self.folder.data)))
        if postgres.private:
            cluster = servers.PostgresCluster(self.folder, postgres, self.secrets.get("POSTGRES_SUPERUSER_PASSWORD"))
            parts.append(
                Part(
                    "postgres",
                    cluster.command(),
                    probes.postgres("127.0.0.1", postgres.port, cluster.answers),
                    postgres.public_url,
                    environment(),
                    stop_signal=signal.SIGINT,
                    before_first_start=cluster.prepare,
                    when_ready=cluster.make_database,
                )
            )
        return parts

    def process(self, name: str, arguments: list[str], after: tuple[str, ...] = (), health: str | None = None) -> Part:
        """One of our processes, with its own settings alone and a health port of its own."""
        health_port = self.ports.choose(f"{name}-health")
        values = {setting: self.settings[setting] for setting in (*SETTINGS_OF[name], *LOGS)}
        if name in self.users:
            for setting in {*BROKER} & {*values}:
                if self.settings[setting] == self.settings["APIUM_BROKER_URL"]:
                    values[setting] = self.users[name].url
        values[f"PRICEWATCH_{name.upper()}_HEALTH_PORT"] = str(health_port)
        values["PRICEWATCH_HEALTH_HOST"] = "127.0.0.1"
        url = f"http://127.0.0.1:{health_port}/ready"
        command = [str(self.programs / name), *arguments]
        part = Part(name, command, probes.http(health or url), health or url, environment(values), folder=str(self.folder.data), after=after)
        if name in LONG_STOPS:
            part.stop_seconds = LONG_STOP_SECONDS
        return part

    def parser(self) -> Part:
        """The gRPC service."""
        return self.process("parser", [])

    def api(self, port: int) -> Part:
        """The HTTP API with the admin; the database's migrations run before it starts for the first time."""
        part = self.process("api", ["serve"], after=("redis", "postgres", "parser"), health=f"http://127.0.0.1:{port}/health/ready")
        part.setup = [str(self.programs / "api"), "migrate", "up"]
        return part

    def worker(self) -> Part:
        """The worker; it starts once the API has migrated the database."""
        return self.process("worker", [], after=("redis", "postgres", "parser", "api"))

    def beat(self) -> Part:
        """The schedule."""
        return self.process("beat", [], after=("redis",))

    def bot(self) -> Part:
        """The Telegram conversation."""
        return self.process("bot", [], after=("redis", "api", "chat"))

    def shop(self, port: int) -> Part:
        """The sample shop."""
        url = f"http://127.0.0.1:{port}"
        prices = str(self.folder.data / "shop.json")
        command = [str(self.programs / "sample-shop"), "--host", "127.0.0.1", "--port", str(port), "--data", prices]
        return Part("sample-shop", command, probes.http(f"{url}/health/ready"), url, environment(), folder=str(self.folder.data))

    def chat(self, port: int) -> Part:
        """The chat page, in Telegram's place."""
        url = f"http://127.0.0.1:{port}"
        kept = ["--state", str(self.folder.data / "chat"), "--bot-name", "PriceWatch", "--bot-username", "pricewatch_bot"]
        command = [str(self.programs / "chat"), "--host", "127.0.0.1", "--port", str(port), "--token", self.settings["TELEGRAM_BOT_TOKEN"], *kept]
        return Part("chat", command, probes.http(f"{url}/health/ready"), url, environment(), folder=str(self.folder.data))

    def nginx(self, site: int, api: int) -> Part:
        """The front."""
        command = [*servers.nginx_command(self.folder, f"127.0.0.1:{site}", f"127.0.0.1:{api}", self.given.get("NGINX_TRUSTED")), "-g", "daemon off;"]
        url = f"http://127.0.0.1:{site}"
        return Part("nginx", command, probes.http(f"{url}/health/nginx"), url, environment(), after=("api",), stop_signal=signal.SIGQUIT, stop_seconds=5)


def environment(values: dict[str, str] | None = None) -> dict[str, str]:
    """A process's environment: what any program needs, and the settings that are its own."""
    shared = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
    return {**{name: os.environ[name] for name in shared if name in os.environ}, **(values or {})}
