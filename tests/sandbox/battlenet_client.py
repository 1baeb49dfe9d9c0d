"""A strict little client of the Battle.net stand-in, and the realms of the small world."""

from typing import Any

import httpx

from sandbox.battlenet import BattleNetStandIn
from sandbox.world import Realm

LOGIN = 1_790_000_000_000
HOME = Realm("eu", 1, "amberfall", "Amberfall", 1)
DUSK = Realm("eu", 2, "dusk-forest", "Dusk Forest", 2, (("ru_RU", "Сумеречный бор"),))
COPPER = Realm("us", 3, "copper-ridge", "Copper Ridge", 3)


class Client:
    """Asks a stand-in as the product has to: token in the header, namespace and locale in the query."""

    def __init__(self, stand_in: BattleNetStandIn, http: httpx.AsyncClient) -> None:
        self.stand_in = stand_in
        self.http = http
        self.token = ""

    async def ask_token(self, *, secret: str | None = None, grant: str = "client_credentials") -> httpx.Response:
        auth = (self.stand_in.client_id, secret or self.stand_in.client_secret)
        return await self.http.post(f"{self.stand_in.oauth}/token", auth=auth, data={"grant_type": grant})

    async def sign_in(self) -> None:
        self.token = (await self.ask_token()).json()["access_token"]

    async def get(
        self,
        path: str,
        namespace: str = "profile-eu",
        *,
        region: str = "eu",
        locale: str | None = "en_US",
        **headers: str,
    ) -> httpx.Response:
        query = {"namespace": namespace} | ({"locale": locale} if locale else {})
        sent = {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        return await self.http.get(self.stand_in.api.format(region=region) + path, params=query, headers=sent)

    async def json(self, path: str, namespace: str = "profile-eu", **options: Any) -> Any:
        response = await self.get(path, namespace, **options)
        response.raise_for_status()
        return response.json()
