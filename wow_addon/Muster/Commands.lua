-- /muster and its words.
local _, ns = ...

local Guard, Roster, Exports, Exporter = ns.Guard, ns.Roster, ns.Exports, ns.Exporter

local commands = {}

commands[""] = Exporter.force

local function sayLastExport()
	local guild = Roster.guild()
	local now = Guard.plain(GetServerTime())
	ns.say(ns.L.STATUS_GUILD, guild.name, guild.realm, guild.region:upper())
	local export = Exports.of(guild)
	if not export then
		return ns.say(ns.L.STATUS_NO_EXPORT)
	end
	local notes = export.exporter.officer_notes and ns.L.STATUS_WITH_NOTES or ns.L.STATUS_WITHOUT_NOTES
	ns.say(ns.L.STATUS_EXPORT, #export.rows, ns.duration(now - export.exported_at), export.exporter.name, notes)
	if Exporter.isUnwritten(guild) then
		ns.say(ns.L.STATUS_UNWRITTEN)
	end
end

function commands.status()
	if not ns.newerSchema then
		Guard.attempt(sayLastExport)
	end
	ns.say(ns.L.STATUS_NOW, Exporter.awaited())
end

function commands.options()
	ns.Options.open()
end

function commands.help()
	ns.say(ns.L.HELP_EXPORT)
	ns.say(ns.L.HELP_STATUS)
	ns.say(ns.L.HELP_OPTIONS)
	ns.say(ns.L.HELP_HELP)
end

SLASH_MUSTER1 = "/muster"
SlashCmdList.MUSTER = function(words)
	local command = commands[words:match("^%s*(.-)%s*$"):lower()] or commands.help
	command()
end
