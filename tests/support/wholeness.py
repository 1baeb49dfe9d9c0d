"""What must hold in the database whenever nothing is under way, however often the process was killed."""

from typing import Final

FAULTS: Final = {
    "a character is a member twice": """
        SELECT guild_id, character_id FROM common.guild_memberships WHERE left_at IS NULL
        GROUP BY guild_id, character_id HAVING count(*) > 1""",
    "a finding stands twice": """
        SELECT rule, subject_id FROM guild_identity.audit_issues WHERE state <> 'resolved'
        GROUP BY server_id, rule, subject_kind, subject_id HAVING count(*) > 1""",
    "a finding was told as new more often than it was": """
        SELECT finding FROM guild_identity.outbox, jsonb_array_elements_text(payload -> 'counted') AS finding
        WHERE kind = 'audit_report' AND payload ->> 'scope' = 'new' GROUP BY finding HAVING count(*) > 1 + (
            SELECT count(*) FROM guild_identity.action_log AS log
            JOIN guild_identity.audit_issues AS issue ON issue.public_id = log.after ->> 'finding'
            WHERE issue.id = finding::bigint AND log.action = 'finding.renew')""",
    "half a link": """
        SELECT character_id FROM guild_identity.player_characters AS own WHERE NOT EXISTS (
            SELECT FROM guild_identity.player_members AS member
            WHERE member.server_id = own.server_id AND member.player_id = own.player_id)""",
    "a player of nobody": """
        SELECT id FROM guild_identity.players AS player WHERE NOT EXISTS (
            SELECT FROM guild_identity.player_characters AS own
            WHERE own.server_id = player.server_id AND own.player_id = player.id)""",
    "a rule's link is not logged": """
        SELECT character_id FROM guild_identity.player_characters AS own
        WHERE own.linked_by IS NULL AND NOT EXISTS (
            SELECT FROM guild_identity.action_log AS log
            WHERE log.server_id = own.server_id AND log.action = 'link.add' AND log.subject_id = own.character_id
                AND log.rule IS NOT NULL AND (log.after ->> 'player_id')::bigint IN (
                    SELECT own.player_id
                    UNION ALL SELECT (merged.before ->> 'player_id')::bigint
                    FROM guild_identity.action_log AS merged
                    WHERE merged.server_id = own.server_id AND merged.action = 'player.merge'
                        AND (merged.after ->> 'player_id')::bigint = own.player_id))""",
    "a claim is open and has no card, or two": """
        SELECT claim.public_id FROM guild_identity.link_claims AS claim
        LEFT JOIN guild_identity.outbox AS card
            ON card.kind = 'claim' AND card.payload ->> 'claim' = claim.public_id
        WHERE claim.state = 'open' GROUP BY claim.public_id HAVING count(card.id) <> 1""",
    "two rows of the outbox are one message": """
        SELECT message_id FROM guild_identity.outbox WHERE message_id IS NOT NULL
        GROUP BY message_id HAVING count(*) > 1""",
    "a role is held as Muster's that no finished change gave": """
        SELECT user_id, role_id FROM guild_identity.role_ledger AS given WHERE NOT EXISTS (
            SELECT FROM guild_identity.role_changes AS change
            WHERE (change.server_id, change.user_id, change.role_id) = (given.server_id, given.user_id, given.role_id)
                AND change.act = 'give' AND change.state = 'done')""",
    "a role that was changed is not noted once": """
        SELECT change.id FROM guild_identity.role_changes AS change
        JOIN guild_identity.role_runs AS run ON run.id = change.run_id
        LEFT JOIN guild_identity.action_log AS log
            ON log.server_id = change.server_id AND log.action = 'role.' || change.act
            AND log.subject_id = change.user_id AND log.after ->> 'batch' = run.public_id
            AND (coalesce(log.after ->> 'role_id', log.before ->> 'role_id'))::bigint = change.role_id
        WHERE change.state = 'done' GROUP BY change.id HAVING count(log.id) <> 1""",
    "a role is to be changed and nothing will do it": """
        SELECT change.id FROM guild_identity.role_changes AS change
        WHERE change.state = 'planned' AND NOT EXISTS (
            SELECT FROM guild_identity.outbox AS task
            WHERE task.kind = 'role' AND task.state IN ('pending', 'sending')
                AND (task.payload ->> 'change')::bigint = change.id)""",
    "a run of role changes is over and does not know it": """
        SELECT id FROM guild_identity.role_runs AS run WHERE finished_at IS NULL AND NOT EXISTS (
            SELECT FROM guild_identity.role_changes AS change
            WHERE change.run_id = run.id AND change.state = 'planned')""",
    "a finding was put aside by nobody": """
        SELECT id FROM guild_identity.audit_issues AS issue WHERE muted AND NOT EXISTS (
            SELECT FROM guild_identity.action_log AS log
            WHERE log.server_id = issue.server_id AND log.action IN ('finding.ignore', 'finding.resolve')
                AND log.actor_id IS NOT NULL AND log.after ->> 'finding' = issue.public_id)""",
    "one act about a finding is noted twice": """
        SELECT after ->> 'finding', after ->> 'batch' FROM guild_identity.action_log
        WHERE action LIKE 'finding.%' AND after ? 'batch' AND after ? 'finding'
        GROUP BY server_id, action, after ->> 'finding', after ->> 'batch' HAVING count(*) > 1""",
}
"""What is wrong -> a query for where it is."""
