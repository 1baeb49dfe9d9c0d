"""All extensions at once: they load, and no two of them claim the same name or custom id."""

from collections.abc import AsyncIterator

import pytest
from discord import app_commands
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.battlenet.client import BattleNetClient
from bot.services.bundle import Services
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.outbox import Outbox
from cogs.common.bot import EXTENSIONS, MusterBot
from cogs.common.item import known_items, matching_items
from cogs.common.modals import known_forms, matching_forms
from cogs.common.publish import fingerprint

COMMAND_TEXT_LIMIT = 8000
GROUP_LIMIT = 25
SAMPLES = (
    "addon-key:v1:page:all:1",
    "addon-key:v1:list",
    "addon-key:v1:choose",
    "addon-key:v1:create",
    "addon-key:v1:created",
    "addon-key:v1:ask-rotate:0123456789ab",
    "addon-key:v1:rotate:0123456789ab:1795219200000",
    "addon-key:v1:ask-revoke:0123456789ab",
    "addon-key:v1:revoke:0123456789ab",
    "addon-status:v1:list",
    "addon-status:v1:page:Ab_-0123:2",
    "audit:v1:page:orphan_wow:3",
    "audit:v1:work:orphan_wow",
    "audit-list:v1:page:orphan_wow.3.warning.open:2",
    "audit-log:v1:page:123456789012345678.people.links.1795219200:2",
    "audit-rules:v1:page:all:1",
    "audit-rules:v1:switch:orphan_wow:off:1",
    "finding:v1:show:Ab_-0123",
    "finding:v1:ignore:Ab_-0123",
    "finding:v1:ignored:Ab_-0123",
    "finding:v1:resolve:Ab_-0123",
    "finding:v1:resolved:Ab_-0123",
    "finding:v1:watch:Ab_-0123",
    "finding:v1:next:Ab_-0123",
    "finding:v1:link:Ab_-0123",
    "finding:v1:to-member:Ab_-0123",
    "finding:v1:to-character:Ab_-0123",
    "finding:v1:choose:Ab_-0123",
    "finding:v1:pick:Ab_-0123:123456789012345678:0123456789ab",
    "finding:v1:none:Ab_-0123:0123456789ab",
    "finding:v1:keep:Ab_-0123:0123456789ab",
    "finding:v1:unlink:Ab_-0123",
    "finding:v1:alias:Ab_-0123",
    "finding:v1:aliased:Ab_-0123",
    "finding:v1:hiatus:Ab_-0123",
    "finding:v1:main:Ab_-0123",
    "finding:v1:unlink-left:Ab_-0123",
    "finding:v1:sync:Ab_-0123",
    "finding:v1:merge:Ab_-0123",
    "finding:v1:merge-now:Ab_-0123",
    "finding:v1:reject:Ab_-0123",
    "finding:v1:set-offspec:Ab_-0123",
    "finding:v1:on-hiatus:Ab_-0123",
    "main-choice:v1:page:Ab_-0123:1",
    "hiatus:v1:away:Ab_-0123",
    "hiatus:v1:back:Ab_-0123",
    "hiatus:v1:marked:Ab_-0123",
    "finding:v1:type:Ab_-0123",
    "bulk:v1:open:orphan_wow.~",
    "bulk:v1:page:orphan_wow.ignore.3.Ab_-01234567:2",
    "bulk:v1:do:link_suggestion.choose.~.Ab_-01234567",
    "bulk:v1:said:orphan_wow.ignore.3.Ab_-01234567",
    "undo:v1:list",
    "undo:v1:ask:Ab_-0123",
    "undo:v1:do:.123",
    "sync-status:v1:page:held:0",
    "departures:v1:apply",
    "departures:v1:discard:0123456789ab",
    "aliases:v1:page:all:2",
    "why:v1:page:12:2",
    "link-match:v1:page:Ab_-0123:2",
    "link-match:v1:apply:Ab_-01234567",
    "link-match:v1:cancel",
    "link-choose:v1:page:Ab_-01234567:0",
    "link-choose:v1:pick:Ab_-01234567:1",
    "link-choose:v1:all:Ab_-01234567:1",
    "link-review:v1:pick:12:123456789012345678",
    "link-review:v1:none:12:0123456789ab",
    "link-review:v1:later:12",
    "claim:v1:confirm:Ab_-0123",
    "claim:v1:refuse:Ab_-0123",
    "claim:v1:withdraw:Ab_-0123",
    "privacy:v1:out",
    "ranks:v1:open:officers",
    "ranks:v1:rank",
    "ranks:v1:truth",
    "ranks:v1:role:officers",
    "ranks:v1:page:officers:2",
    "ranks:v1:name:7",
    "ranks:v1:named:7",
    "ranks:v1:confirm:7:123456789012345678",
    "roles:v1:home",
    "roles:v1:switch:on",
    "roles:v1:apply:0123456789abcdef",
    "roles:v1:undo:Ab_-0123",
    "roles:v1:undone:Ab_-0123",
    "role-plan:v1:page:0123456789abcdef:2",
    "role-run:v1:page:Ab_-0123:2",
    "finding:v1:set-role:Ab_-0123",
    "finding:v1:give-role:Ab_-0123:0123456789abcdef",
)
MIXED = frozenset({"player"})
"""Groups for everybody, whose commands check who may use them."""


@pytest.fixture
async def loaded(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[MusterBot]:
    """Give the bot with every feature loaded, not connected."""
    ctx = Context(sessions)
    battlenet = BattleNetClient("http://127.0.0.1:9/{region}", "http://127.0.0.1:9", "id", "secret")
    bot = MusterBot(Services(ctx, battlenet, Outbox(ctx), Worker(ctx, battlenet, ""), timers=False))
    for extension in EXTENSIONS:
        await bot.load_extension(extension)
    yield bot
    await bot.close()
    await battlenet.aclose()


def _walk(told: dict[str, object]) -> int:
    """Count the characters that Discord counts of a command: names, descriptions and choice values, nested ones too."""
    own = sum(len(str(told.get(key) or "")) for key in ("name", "description"))
    choices = sum(len(str(choice["name"])) + len(str(choice["value"])) for choice in told.get("choices") or ())
    return own + choices + sum(_walk(option) for option in told.get("options") or ())


async def test_all_extensions_load_and_every_command_has_one_owner(loaded: MusterBot) -> None:
    names = [command.qualified_name for command in loaded.tree.walk_commands()]
    assert len(names) == len(set(names))
    assert {"setup guild", "setup channels", "setup check", "sync roster", "sync members", "sync status"} <= set(names)
    assert {"sync apply", "sync discard", "link add", "link remove", "audit report", "audit run", "whois"} <= set(names)


async def test_commands_are_for_servers_only_and_for_who_manages_one_unless_their_group_is_mixed(
    loaded: MusterBot,
) -> None:
    for command in loaded.tree.get_commands():
        told = command.to_dict(loaded.tree)
        assert told["contexts"] == [0] or told.get("dm_permission") is False, command.name
        if command.name in MIXED:
            assert command.default_permissions is None, command.name
            continue
        assert command.default_permissions is not None, command.name
        assert command.default_permissions.manage_guild, command.name


async def test_commands_stay_within_discords_limits(loaded: MusterBot) -> None:
    for command in loaded.tree.get_commands():
        assert _walk(command.to_dict(loaded.tree)) <= COMMAND_TEXT_LIMIT, command.name
        if isinstance(command, app_commands.Group):
            assert len(command.commands) <= GROUP_LIMIT, command.name


async def test_no_custom_id_belongs_to_two_controls_or_forms(loaded: MusterBot) -> None:
    """A new control without a sample in SAMPLES fails here, and so does one whose ids another would take."""
    ours = {template for template, item in known_items().items() if item.__module__.startswith("cogs.")}
    ours |= {template for template, form in known_forms().items() if form.handler.__module__.startswith("cogs.")}
    sampled = set()
    for sample in SAMPLES:
        fitting = [item.__discord_ui_compiled_template__.pattern for item in matching_items(sample)]
        fitting += [form.template.pattern for form, _ in matching_forms(sample)]
        assert len(fitting) == 1, f"{sample} fits {fitting}"
        sampled |= set(fitting)
    assert sampled == ours


async def test_the_fingerprint_of_the_tree_moves_with_every_change(loaded: MusterBot) -> None:
    before = fingerprint(loaded.tree)
    assert before == fingerprint(loaded.tree)
    loaded.tree.get_command("whois").description = "something else"
    assert fingerprint(loaded.tree) != before
