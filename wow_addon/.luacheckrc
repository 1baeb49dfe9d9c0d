std = "lua51"
max_line_length = 120
self = false

-- What the addon gives to the game.
globals = {
	"MusterDB",
	"SLASH_MUSTER1",
	"SlashCmdList.MUSTER",
}

-- What it takes from the game.
read_globals = {
	"C_AddOns",
	"C_GuildInfo",
	"C_RestrictedActions",
	"C_Timer",
	"CreateFrame",
	"Enum",
	"GetCurrentRegion",
	"GetGuildInfo",
	"GetGuildRosterInfo",
	"GetGuildRosterLastOnline",
	"GetGuildRosterShowOffline",
	"GetLocale",
	"GetNormalizedRealmName",
	"GetNumGuildMembers",
	"GetRealmName",
	"GetServerTime",
	"GetTime",
	"GuildControlGetNumRanks",
	"GuildControlGetRankName",
	"InCombatLockdown",
	"IsInGuild",
	"SetGuildRosterShowOffline",
	"Settings",
	"SlashCmdList",
	"UnitGUID",
	"UnitName",
	"geterrorhandler",
	"issecretvalue",
}

-- A text stands on one line, so that its key and its words are read together.
files["**/Locales/*.lua"] = { max_line_length = false }
