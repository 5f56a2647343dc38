"""The files for hosts, held to what the hosts accept and to what the project is."""

import http.client
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from memory_toolkit.measure.sizes import MB, parse_size
from recommender.app.pages import DEBUG, PAGES, url_path
from recommender.core.serving_variables import VARIABLES as SERVING
from recommender.settings.env_file import read_env_file
from recommender.settings.environment import VARIABLES, Settings
from tests.conftest import ROOT
from tests.support import dockerfile
from tests.support.replicas import proxy
from tests.support.services import need

DEPLOY = ROOT / "deploy"
TEMPLATES = ("256mb", "512mb", "1gb")
PROGRAMS = Path(sys.executable).parent
HADOLINT = shutil.which("hadolint", path=str(PROGRAMS))


def yaml(name: str) -> Any:
    return YAML(typ="safe").load(DEPLOY / name)


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text("utf-8"), re.M))


@pytest.mark.skipif(HADOLINT is None, reason="hadolint has no program for this machine")
def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([str(HADOLINT), dockerfile.FILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["compose.yaml", "compose.replicas.yaml"])
def test_compose_keeps_to_its_specification(name: str) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    program = PROGRAMS / "check-jsonschema"
    subprocess.run([program, *schema, DEPLOY / name], check=True)


def test_what_the_image_copies_is_there_and_is_let_in() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = set(dockerfile.copied())
    assert all((ROOT / name).exists() for name in copied)
    assert {name if name in let_in else name.partition("/")[0] for name in copied} == let_in
    assert "*" in ignored


def test_the_image_runs_as_somebody_and_takes_signals() -> None:
    assert dockerfile.only("USER").rest not in ("0", "root")
    assert dockerfile.only("CMD").command() == ["matinee", "serve"]
    volume = dockerfile.only("VOLUME").rest
    given = dockerfile.only("ENV").variables()
    assert Path(given["MATINEE_PROFILES"]).parent == Path(volume)
    assert given["PORT"] == dockerfile.only("EXPOSE").rest
    # `matinee serve` sets them, and a second place would be forgotten.
    assert not set(given) & set(SERVING)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_names_every_setting_for_the_image(name: str) -> None:
    values = read_env_file(DEPLOY / f"{name}.env")
    assert tuple(values) == VARIABLES
    found = Settings.from_environment(values)
    image = dockerfile.only("ENV").variables()
    assert (str(found.bundle), str(found.profiles)) == (
        image["MATINEE_BUNDLE"],
        image["MATINEE_PROFILES"],
    )
    # The limit is the container's, and the panel is nobody's business.
    assert found.memory_limit is None
    assert found.guard
    assert not found.debug_memory


def test_larger_templates_never_give_less() -> None:
    small, medium, large = (
        Settings.from_environment(read_env_file(DEPLOY / f"{name}.env")) for name in TEMPLATES
    )
    for one, other in ((small, medium), (medium, large)):
        for name in ("recommendations", "users_listed", "user_batch", "movie_batch"):
            assert getattr(one, name) <= getattr(other, name)
        assert one.actions_at_once <= other.actions_at_once


def test_compose_gives_a_template_the_memory_in_its_name() -> None:
    app = yaml("compose.yaml")["services"]["app"]
    assert app["mem_limit"] == app["memswap_limit"] == "${SIZE:-256mb}"
    assert app["env_file"] == f"{app['mem_limit']}.env"
    assert [parse_size(name) for name in TEMPLATES] == [256 * MB, 512 * MB, 1024 * MB]
    assert app["volumes"] == [f"ratings:{dockerfile.only('VOLUME').rest}"]
    port = dockerfile.only("EXPOSE").rest
    assert app["ports"] == [f"{port}:{port}"]
    assert (DEPLOY / app["build"]["context"] / app["build"]["dockerfile"]) == (
        DEPLOY / ".." / "deploy" / "Dockerfile"
    )


def replicas() -> dict[str, Any]:
    services: dict[str, Any] = yaml("compose.replicas.yaml")["services"]
    return services


def test_every_container_of_the_replicas_is_limited_and_locked_down() -> None:
    for name, service in replicas().items():
        assert parse_size(service["mem_limit"]) <= 256 * MB, name
        assert service["memswap_limit"] == service["mem_limit"]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        # No secret stands in the file.
        for variable, value in service.get("environment", {}).items():
            assert "PASSWORD" not in variable or value.startswith("${RATINGS_PASSWORD:?")
    assert [name for name, service in replicas().items() if "ports" in service] == ["proxy"]


def test_replicas_differ_by_their_volume_alone_and_share_their_ratings() -> None:
    one, two, database = (replicas()[name] for name in ("one", "two", "database"))
    data = dockerfile.only("VOLUME").rest
    assert (one.pop("volumes"), two.pop("volumes")) == ([f"one:{data}"], [f"two:{data}"])
    assert one == two
    template = read_env_file(DEPLOY / one["env_file"])
    assert one["env_file"] == f"{one['mem_limit']}.env"
    assert one["environment"].keys() <= {*VARIABLES, "PGPASSWORD"}
    given = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", v) for name, v in one["environment"].items()}
    found = Settings.from_environment({**template, **given})
    assert str(found.bundle) == dockerfile.only("ENV").variables()["MATINEE_BUNDLE"]
    assert found.bundle_cache.is_relative_to(data)
    address = urlsplit(found.ratings_url or "")
    assert (address.hostname, address.path, address.password) == ("database", "/matinee", None)
    assert address.username == database["environment"]["POSTGRES_USER"] == "matinee"
    networks = yaml("compose.replicas.yaml")["networks"]
    assert networks["ratings"] == {"internal": True}
    assert database["networks"] == ["ratings"]
    assert "ratings" not in replicas()["proxy"]["networks"]


def test_the_proxy_knows_the_replicas_and_asks_how_they_are() -> None:
    text = (DEPLOY / "haproxy.cfg").read_text("utf-8")
    port = dockerfile.only("EXPOSE").rest
    servers = dict(re.findall(r"^ +server (\w+) \"\$\{\w+-(\S+)\}\" cookie \1$", text, re.M))
    assert (
        servers
        == {name: f"{name}:{port}" for name in ("one", "two")}
        == {name: f"{name}:{port}" for name, service in replicas().items() if "build" in service}
    )
    proxy = replicas()["proxy"]
    assert proxy["ports"] == [f"{port}:{port}"]
    assert f'bind "${{BIND-:{port}}}"' in text
    assert "uri /healthz" in text
    # That of the official image ends no connection, so the proxy would be killed in the end.
    assert proxy["stop_signal"] == "SIGTERM"
    (mounted,) = proxy["volumes"]
    assert (DEPLOY / mounted.split(":")[0]).samefile(DEPLOY / "haproxy.cfg")


class _Replica(BaseHTTPRequestHandler):
    """Answers whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_haproxy_lets_through_what_a_page_needs(tmp_path: Path) -> None:
    program = need("haproxy", "haproxy", Path("/usr/sbin"))
    replica = ThreadingHTTPServer(("127.0.0.1", 0), _Replica)
    threading.Thread(target=replica.serve_forever, daemon=True).start()
    behind = SimpleNamespace(port=replica.server_address[1])
    through = [
        *("/", "/healthz", "/static/js/index.x.js", "/media/a.csv", "/_stcore/host-config"),
        *("/_stcore/stream", "/_stcore/upload_file/a/b", "/favicon.png"),
        *(f"/{url_path(page)}" for page in (*PAGES, *DEBUG)),
        *(f"/{url_path(page)}/_stcore/health".replace("//", "/") for page in PAGES),
    ]
    denied = [
        *("/metrics", "/_stcore/metrics", "/%6detrics", "/_stcore/%6detrics", "/_stcore/agent/mcp"),
        *("/_stcore/script-health-check", "/static/../_stcore/metrics", "/static/%2e%2e/metrics"),
        *("/static/js/%2E%2E/%2E%2E/metrics", "/healthz/x", "/unknown", "//metrics"),
    ]
    try:
        with proxy(program, [behind], tmp_path) as front:  # type: ignore[list-item]
            found = {}
            for path in (*through, *denied):
                connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)
                connection.request("GET", path)
                found[path] = connection.getresponse().status
                connection.close()
    finally:
        replica.shutdown()
        replica.server_close()
    assert {path for path, status in found.items() if status == 200} == set(through)
    assert {found[path] for path in denied} <= {400, 404}


def test_haproxy_accepts_its_configuration() -> None:
    program = need("haproxy", "haproxy", Path("/usr/sbin"))
    # Addresses in figures, since no name of Compose's can be looked up here.
    addresses = {"REPLICA_1": "127.0.0.1:1", "REPLICA_2": "127.0.0.1:2"}
    done = subprocess.run(
        [program, "-c", "-f", DEPLOY / "haproxy.cfg"],
        env={**os.environ, **addresses},
        capture_output=True,
        text=True,
    )
    # No warning either.
    assert (done.returncode, done.stdout + done.stderr) == (0, "Configuration file is valid\n")


def test_fly_gets_the_smallest_template() -> None:
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text("utf-8"))
    (machine,) = fly["vm"]
    template = read_env_file(DEPLOY / f"{machine['memory']}.env")
    default = {variable: value for variable, value, _ in Settings().described()}
    image = dockerfile.only("ENV").variables()
    other = {
        name: value
        for name, value in template.items()
        if value and value != default[name] and name not in image
    }
    assert fly["env"] == {"PORT": str(fly["http_service"]["internal_port"]), **other}
    assert fly["mounts"]["destination"] == dockerfile.only("VOLUME").rest
    assert (DEPLOY / fly["build"]["dockerfile"]) == dockerfile.FILE
    assert fly["http_service"]["checks"][0]["path"] == "/healthz"


def test_render_builds_the_same_image() -> None:
    (service,) = yaml("render.yaml")["services"]
    assert (ROOT / service["dockerContext"] / service["dockerfilePath"]) == dockerfile.FILE
    assert service["disk"]["mountPath"] == dockerfile.only("VOLUME").rest
    assert service["healthCheckPath"] == "/healthz"


def test_the_procfile_starts_the_same_command(tmp_path: Path) -> None:
    kind, command = (DEPLOY / "Procfile").read_text("utf-8").strip().split(": ")
    words = command.split()
    assert (kind, words[0]) == ("web", "python")
    done = subprocess.run(
        [sys.executable, *words[1:], "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "start the app" in done.stdout


def test_the_locks_pin_the_same_versions() -> None:
    serving, running, testing = (
        pins(ROOT / name)
        for name in ("deploy/requirements.lock", "requirements.lock", "tests/requirements.lock")
    )
    assert serving.items() <= running.items() <= testing.items()
    assert not {"duckdb", "scikit-learn", "scipy", "scikit-surprise"} & serving.keys()
    assert {"duckdb", "scikit-learn", "pyarrow"} <= running.keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for needed in project["dependencies"]:
        assert re.split(r"[<>=]", needed)[0] in serving


@pytest.mark.parametrize(
    "name", ["deploy/requirements.lock", "requirements.lock", "tests/requirements.lock"]
)
def test_a_lock_has_hashes_and_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.M)
    assert text.count("--hash=sha256:") > 2 * len(pins(ROOT / name))
