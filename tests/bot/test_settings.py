"""Settings: what is refused, in which words, and that no secret is told."""

from pathlib import Path

import pytest

from bot.settings import Environment, SettingsError, describe_settings, read_settings

TOKEN = "MTIzNDU2.abcdef.ghijklmnop"
GOOD = {
    "DISCORD_BOT_TOKEN": TOKEN,
    "BLIZZARD_CLIENT_ID": "client",
    "BLIZZARD_CLIENT_SECRET": "very-secret",
    "DATABASE_URL": "postgres://muster:hunter2@db.example/muster?sslmode=require",
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from no setting at all, in a folder without `.env`."""
    for name, _ in describe_settings(tmp_path / "none"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def good(clean: None, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_a_development_copy_without_timers_on_loopback(good: pytest.MonkeyPatch) -> None:
    settings = read_settings()
    assert settings.environment is Environment.DEVELOPMENT
    assert not settings.timers
    assert settings.web_address == ("127.0.0.1", 8080)
    assert settings.battlenet_api == "https://{region}.api.blizzard.com"


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_timers_run_in_production_and_the_sandbox(good: pytest.MonkeyPatch, environment: str) -> None:
    good.setenv("MUSTER_ENV", environment)
    assert read_settings().timers


def test_a_given_port_is_served_to_the_outside_unless_a_host_says_otherwise(good: pytest.MonkeyPatch) -> None:
    good.setenv("PORT", "5000")
    assert read_settings().web_address == ("0.0.0.0", 5000)  # noqa: S104
    good.setenv("HOST", "127.0.0.1")
    assert read_settings().web_address == ("127.0.0.1", 5000)


def test_an_env_file_is_read_and_the_environment_stands_above_it(good: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BLIZZARD_CLIENT_ID=from-file\nMUSTER_LOG=debug\n")
    assert (read_settings().blizzard_client_id, read_settings().log_level) == ("client", "DEBUG")
    assert read_settings().log_format == "text"
    good.delenv("BLIZZARD_CLIENT_ID")
    assert read_settings().blizzard_client_id == "from-file"


def test_everything_that_is_missing_is_named_in_one_line() -> None:
    told = refusal()
    for name in GOOD:
        assert name in told
    assert "MUSTER_DATA_DIR" in told


def test_without_a_database_both_choices_are_named(good: pytest.MonkeyPatch) -> None:
    good.delenv("DATABASE_URL")
    told = refusal()
    assert "DATABASE_URL" in told
    assert "MUSTER_DATA_DIR" in told


@pytest.mark.parametrize(("name", "value"), [("MUSTER_DATA_DIR", "/var/lib/muster"), ("MUSTER_ENV", "sandbox")])
def test_a_data_folder_or_the_sandbox_does_without_a_database_address(
    good: pytest.MonkeyPatch, name: str, value: str
) -> None:
    good.delenv("DATABASE_URL")
    good.setenv(name, value)
    assert read_settings().database_url is None


def test_an_empty_variable_is_a_missing_one(good: pytest.MonkeyPatch) -> None:
    good.setenv("BLIZZARD_CLIENT_ID", "")
    assert "BLIZZARD_CLIENT_ID: missing" in refusal()


def test_an_empty_variable_leaves_what_the_env_file_says(good: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={GOOD['DATABASE_URL']}\n")
    good.setenv("DATABASE_URL", "")
    assert read_settings().database_url is not None
    assert ("DATABASE_URL", "(set)") in describe_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCORD_BOT_TOKEN", "hunter2"),
        ("DISCORD_BOT_TOKEN", "Bot hunter2.b.c"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("MUSTER_ENV", "hunter2"),
        ("PORT", "hunter2"),
        ("PORT", "70000"),
        ("MUSTER_PUBLIC_URL", "hunter2"),
        ("MUSTER_TRUSTED_PROXIES", "10.0.0.0/8, hunter2"),
        ("MUSTER_LOG", "hunter2"),
        ("MUSTER_LOG_FORMAT", "hunter2"),
        ("MUSTER_METRICS_KEY", "hunter2"),
        ("MUSTER_METRICS_KEY", "hunter2 and some more"),
        ("MUSTER_BATTLENET_API", "https://hunter2.example"),
        ("MUSTER_DISCORD_API", "hunter2"),
    ],
)
def test_a_malformed_setting_is_named_and_its_value_is_not(good: pytest.MonkeyPatch, name: str, value: str) -> None:
    good.setenv(name, value)
    told = refusal()
    assert name in told
    assert "hunter2" not in told


def test_a_misspelt_setting_is_refused(good: pytest.MonkeyPatch) -> None:
    good.setenv("MUSTER_DATADIR", "/x")
    assert "MUSTER_DATADIR" in refusal()


def test_an_env_file_that_is_no_text_is_refused(good: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert ".env" in refusal()


def test_lists_are_split_at_commas(good: pytest.MonkeyPatch) -> None:
    good.setenv("MUSTER_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1")
    good.setenv("MUSTER_SECRET_KEYS", "new, old")
    settings = read_settings()
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "127.0.0.1/32"]
    assert [key.get_secret_value() for key in settings.secret_keys] == ["new", "old"]


def test_no_secret_stands_in_the_settings_text(good: pytest.MonkeyPatch) -> None:
    good.setenv("MUSTER_METRICS_KEY", "a-key-of-some-length")
    shown = repr(read_settings()) + str(describe_settings())
    secrets = {TOKEN, "very-secret", "hunter2", "a-key-of-some-length"}
    for secret in secrets:
        assert secret not in shown
    assert secrets <= set(read_settings().secrets())


def test_every_setting_stands_in_the_example() -> None:
    example = (Path(__file__).resolve().parents[2] / ".env.example").read_text()
    for name, _ in describe_settings():
        assert f"{name}=" in example
