local _, ns = ...

ns.locales.enUS = {
	GREETING = "version %s. Type /muster help to see what it can do.",
	EXPORTED = "%d members of %s exported.",
	NO_OFFICER_NOTES = "Without officer notes: %s may not read them.",
	WRITTEN_LATER = "It is written at your next /reload or logout; then the companion can upload it.",

	STATUS_GUILD = "Guild: %s (%s, %s)",
	STATUS_EXPORT = "Last export: %d members, %s ago, by %s, %s.",
	STATUS_NO_EXPORT = "Last export: none yet. Type /muster to make one.",
	STATUS_WITH_NOTES = "with officer notes",
	STATUS_WITHOUT_NOTES = "without officer notes",
	STATUS_UNWRITTEN = "It is not in the file yet: that happens at your next /reload or logout.",
	STATUS_NOW = "Now: %s",

	WAIT_idle = "an export is made when the roster changes.",
	WAIT_interval = "the next look at the roster is in %s.",
	WAIT_request = "the game answers again in %s, then the export is made.",
	WAIT_roster = "waiting for the whole roster from the game.",
	WAIT_combat = "you are in combat; the export is made when it ends.",
	WAIT_restricted = "the game restricts addons here; the export is made when that ends.",
	WAIT_secret = "the game hides the roster from addons at the moment; the next attempt is in %s.",
	WAIT_loading = "the game has not loaded your guild yet; the next attempt is in %s.",
	WAIT_partial = "the game shows only a part of the roster; the next attempt is in %s.",
	WAIT_no_guild = "you are in no guild, so there is nothing to export.",
	WAIT_region = "Muster does not know the region of this game, so nothing is exported.",
	WAIT_newer_schema = "your saved data is of a newer version of Muster. It is left as it is, and nothing is exported: update the addon.",
	WAIT_error = "the roster could not be read because of an error in Muster; /reload may help.",
	WAIT_off = "exporting by itself is switched off; type /muster to export.",

	SECONDS = "%d s",
	MINUTES = "%d min",
	HOURS = "%d h",
	DAYS = "%d d",

	HELP_EXPORT = "/muster: export the guild roster now",
	HELP_STATUS = "/muster status: what is exported, and what is awaited",
	HELP_OPTIONS = "/muster options: the settings",
	HELP_HELP = "/muster help: this list",

	OPTION_AUTOMATIC = "Export by itself",
	OPTION_AUTOMATIC_TIP = "After login and when the roster changed, at most every 15 minutes.",
	OPTION_GREETING = "Message at login",
	OPTION_GREETING_TIP = "One line in the chat when you log in.",
	OPTIONS_IN_COMBAT = "The settings can't be opened in combat.",
	OPTIONS_MISSING = "This version of the game has no settings for addons.",
}
