"""The composition root: settings become a running process, and every end of it is a clean one."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from sqlalchemy.exc import SQLAlchemyError

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Limiter
from bot.database import open_database, prepare
from bot.metrics import Metrics
from bot.services import status
from bot.services.bundle import Services
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.outbox import Outbox
from bot.services.takeover import take_over
from bot.settings import Settings, SettingsError
from bot.worker import WorkerProcess
from cogs.common.bot import MusterBot
from db.engine import create_engine, create_sessions
from domain.errors import Unavailable
from web_embed.app import HealthReport, create_web, start_web
from web_embed.metrics import MetricsPage
from web_embed.uploads import UploadRoutes

log = logging.getLogger(__name__)

# All stops together end within the ten seconds that hosts give a process, even if each waits for something that hangs:
# 4.5 s for the timers, the jobs and the sender (side by side), 1 s for Discord's gateway, 1 s for web requests.
UNBROKEN_SECONDS = 0.5
TASKS_SECONDS = 1.5
CONNECTION_SECONDS = 0.5
AUTHENTICATION_FAILED = 4004
TOKEN_REFUSED = "Discord refuses DISCORD_BOT_TOKEN: copy it again from the developer portal"  # noqa: S105 (a text)


def run(settings: Settings) -> None:
    """Run Muster until SIGTERM or SIGINT.

    An embedded database is migrated here, since nobody else can reach it; a given one must be at the newest revision.
    Raises SettingsError, Unavailable or EmbeddedError with one line for the person who starts it.
    """
    # Until the loop has handlers of its own: a database half started must be taken down as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), open_database(settings) as url:
        asyncio.run(_serve(settings, url))


async def _serve(settings: Settings, url: str) -> None:
    await prepare(settings, url)
    point_discord(settings)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, url, metrics))
        if settings.database_url is None:
            await take_over(services.ctx)
        stack.push_async_callback(end_tasks, services.ctx)
        bot = await stack.enter_async_context(MusterBot(services))
        metrics.watch_bot(bot)
        sampler = asyncio.create_task(metrics.sample_lag(), name="loop-lag")
        stack.callback(sampler.cancel)
        page = _metrics_page(settings, services, metrics)
        uploads = UploadRoutes(services.ctx, settings.trusted_proxies)
        site = create_web(lambda: _health(services, bot), page, uploads)
        runner = await start_web(site, *settings.web_address)
        stack.push_async_callback(runner.cleanup)
        log.info("listening on %s", ", ".join(f"http://{host}:{port}" for host, port, *_ in runner.addresses))
        if not settings.timers:
            log.warning("timers off: MUSTER_ENV is %s", settings.environment)
        # What was loaded until now stays for good: without this, looking through it for garbage costs .14 s each time.
        gc.freeze()
        await _until_told(bot, settings.discord_token.get_secret_value())


@asynccontextmanager
async def open_services(settings: Settings, url: str, metrics: Metrics) -> AsyncIterator[Services]:
    """Connect what the services need and let go of it at the end."""
    engine = create_engine(url)
    limiter = Limiter()
    metrics.watch_budget(limiter.used)
    battlenet = BattleNetClient(
        settings.battlenet_api,
        settings.battlenet_oauth,
        settings.blizzard_client_id,
        settings.blizzard_client_secret.get_secret_value(),
        limiter=limiter,
        observer=metrics,
    )
    compute = WorkerProcess()
    try:
        ctx = Context(create_sessions(engine), meter=metrics, compute=compute)
        worker = Worker(ctx, battlenet, url)
        yield Services(ctx, battlenet, Outbox(ctx), worker, timers=settings.timers, public_url=settings.public_url)
    finally:
        await compute.close()
        await battlenet.aclose()
        await engine.dispose()


def point_discord(settings: Settings) -> None:
    """Point discord.py at the addresses of the settings, the sandbox's or Discord's own."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # Muster never speaks
    Route.BASE = settings.discord_api
    if settings.discord_gateway is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway)


async def _until_told(bot: MusterBot, token: str) -> None:
    """Stay connected until a signal ends it; raises what ended the connection otherwise."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    told = asyncio.create_task(stop.wait())
    connected = asyncio.create_task(bot.start(token))
    await asyncio.wait({told, connected}, return_when=asyncio.FIRST_COMPLETED)
    if not connected.done():
        log.info("told to stop")
        await bot.close()
        if not (await asyncio.wait({connected}, timeout=CONNECTION_SECONDS))[0]:
            connected.cancel()
            return
    told.cancel()
    try:
        await connected
    except discord.LoginFailure:
        raise SettingsError(TOKEN_REFUSED) from None
    except discord.PrivilegedIntentsRequired:
        raise SettingsError(
            "the Server Members intent is off: switch it on in the developer portal, Bot, Privileged Gateway Intents"
        ) from None
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise SettingsError(TOKEN_REFUSED) from None
        raise Unavailable(f"Discord closed the connection for good, with code {error.code}.") from error
    except (discord.DiscordException, OSError) as error:
        raise Unavailable(f"The connection to Discord ended: {error}") from error
    except Exception as error:
        # The first event that discord.py cannot read ends it; whoever supervises this process starts it again.
        log.exception("the connection to Discord ended by an unexpected error")
        raise Unavailable("Muster ended by an unexpected error, which the log tells; start it again.") from error
    if not stop.is_set():
        raise Unavailable("The connection to Discord ended without a reason; start Muster again.")


async def end_tasks(ctx: Context) -> None:
    """Stop what is still at work, a command's sync say, and let it write how it ended while the services are there."""
    with suppress(TimeoutError):
        async with asyncio.timeout(UNBROKEN_SECONDS):
            while ctx.unbroken:
                await asyncio.wait(ctx.unbroken)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=TASKS_SECONDS)


def _metrics_page(settings: Settings, services: Services, metrics: Metrics) -> MetricsPage:
    key = settings.metrics_key
    return MetricsPage(
        lambda: metrics.scrape(lambda: status.queue_depths(services.ctx)),
        key=None if key is None else key.get_secret_value(),
        trusted_proxies=settings.trusted_proxies,
    )


async def _health(services: Services, bot: MusterBot) -> HealthReport:
    gateway = bot.is_ready() and not bot.is_closed()
    try:
        return HealthReport(database=True, gateway=gateway, last_sync=await status.last_good_sync(services.ctx))
    except (SQLAlchemyError, OSError):
        return HealthReport(database=False, gateway=gateway, last_sync=None)
