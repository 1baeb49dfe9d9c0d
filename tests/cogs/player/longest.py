"""Views that hold all they can, as long as they can be."""

from datetime import UTC, datetime

from bot.services.claims import CharacterView, ClaimView, MemberView, OwnerView
from db.people import HalfView
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import ClaimState, Confidence, Source

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG = "@everyone" + "*_~`|[]()<>#@" * 8
SNOWFLAKE = 10**18
EVIDENCE = [
    Evidence(
        RuleName.NOTE_NAMES_CHARACTER, Strength.STRONG, Source.OFFICER_NOTE, Place.OFFICER_NOTE, "zqsecret" + LONG, LONG
    ).to_json()
] * 4


def longest_half(source: Source) -> HalfView:
    """Give a half with many long reasons."""
    return HalfView(source, Confidence.MEDIUM, {"round": 1, "reasons": EVIDENCE}, NOW, SNOWFLAKE)


def longest_character(number: int = 0, source: Source | None = Source.OFFICER_NOTE) -> CharacterView:
    """Give a guild master's character with long names, linked by a source or by nothing."""
    return CharacterView(
        id=number,
        name=LONG,
        name_key="long",
        realm=LONG,
        realm_slug="long",
        class_id=1,
        class_name=LONG,
        level=90,
        rank=0,
        rank_name=LONG,
        last_login_at=NOW,
        half=None if source is None else longest_half(source),
    )


def longest_member(number: int = 0) -> MemberView:
    """Give a member with long names."""
    return MemberView(SNOWFLAKE + number, LONG, LONG, NOW, longest_half(Source.NAME), pending=True, opted_out_at=NOW)


def longest_claim(public_id: str = "AAAAAAAA", state: ClaimState = ClaimState.OPEN) -> ClaimView:
    """Give a claim that everything can be said of."""
    decided = None if state is ClaimState.OPEN else NOW
    return ClaimView(
        public_id=public_id,
        state=state,
        asked_at=NOW,
        decided_at=decided,
        decided_by=decided and SNOWFLAKE,
        character=longest_character(),
        member=longest_member(),
        owners=tuple(OwnerView(SNOWFLAKE + number, Source.BATTLENET_OAUTH, True) for number in range(1, 40)),
        rivals=tuple(SNOWFLAKE + number for number in range(40)),
        reasons=tuple(EVIDENCE),
        refused_at=NOW,
    )
