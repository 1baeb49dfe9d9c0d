"""Run migrations on the connection that db.migrate hands over."""

from alembic import context

from db.base import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,  # for the names of constraints; migrations never load the tables
    version_table_schema="public",
    include_schemas=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
