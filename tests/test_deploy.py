"""The files for hosts, held to what the hosts accept and to what the project is."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import dockerfile
from conftest import ROOT
from memory_toolkit.sizes import MB, parse_size
from recommender.environment import read_env_file
from recommender.serving import VARIABLES as SERVING
from recommender.settings import VARIABLES, Settings

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


def test_compose_keeps_to_its_specification() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    program = PROGRAMS / "check-jsonschema"
    subprocess.run([program, *schema, DEPLOY / "compose.yaml"], check=True)


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
