"""What Discord was last told of our commands."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class PublishedCommands(Base):
    """The fingerprint of the command tree that an application last published."""

    __tablename__ = "published_commands"
    __table_args__ = {"schema": "common"}  # noqa: RUF012 (SQLAlchemy reads it as a plain attribute)

    application_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    fingerprint: Mapped[str]
    published_at: Mapped[datetime]
