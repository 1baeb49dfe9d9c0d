-- Reads the guild as the game shows it at this moment, whole or not at all.
local _, ns = ...

local Guard = ns.Guard
local plain, stop = Guard.plain, Guard.stop

local Roster = {}
ns.Roster = Roster

-- Of GetCurrentRegion. Muster knows no region 5 (China): Battle.net's web API has another home there.
local REGIONS = { "us", "kr", "eu", "tw" }
local HOUR = 3600

local function isRestricted()
	if not (C_RestrictedActions and C_RestrictedActions.IsAddOnRestrictionActive and Enum.AddOnRestrictionType) then
		return false
	end
	for name, restriction in pairs(Enum.AddOnRestrictionType) do
		-- The one about chat is for those who send something.
		if name ~= "Chat" and plain(C_RestrictedActions.IsAddOnRestrictionActive(restriction)) then
			return true
		end
	end
	return false
end

-- Stop in combat and wherever the game restricts addons.
function Roster.checkMoment()
	if plain(InCombatLockdown()) then
		stop("combat")
	end
	if isRestricted() then
		stop("restricted")
	end
end

-- Give the guild of this character (name, realm, region), or stop.
function Roster.guild()
	if not plain(IsInGuild()) then
		stop("no_guild")
	end
	local region = REGIONS[plain(GetCurrentRegion())]
	if not region then
		stop("region")
	end
	-- The fourth value is there only when the guild's realm is not the character's own.
	local name, _, _, realm = plain(GetGuildInfo("player"))
	if not realm or realm == "" then
		realm = plain(GetRealmName())
	end
	if not name or not realm then
		stop("loading")
	end
	return { name = name, realm = realm, region = region }
end

-- Give whether this character may read officer notes: without that right the game gives "" for each.
function Roster.seesOfficerNotes()
	return plain(C_GuildInfo.CanViewOfficerNote()) and true or false
end

-- Give how many members the game knows of now, which right after login may be a part of them.
function Roster.count()
	return (plain(GetNumGuildMembers()))
end

local function readRanks()
	local ranks = {}
	for i = 1, plain(GuildControlGetNumRanks()) do
		ranks[i] = plain(GuildControlGetRankName(i)) or stop("loading")
	end
	if #ranks == 0 then
		stop("loading")
	end
	return ranks
end

local function lastOnline(index, online, now)
	if online then
		return now
	end
	local years, months, days, hours = plain(GetGuildRosterLastOnline(index))
	if not years then
		return nil
	end
	local ago = ((years * 365 + months * 30 + days) * 24 + hours) * HOUR
	-- Down to the hour, which is as near as the game tells: rounded up it could lie ahead of us.
	return math.floor((now - ago) / HOUR) * HOUR
end

local function readRow(index, home, officerNotes, now)
	local fullName, _, rank, level, _, _, note, officerNote, online, _, class, _, _, _, _, _, guid =
		plain(GetGuildRosterInfo(index))
	if not fullName or fullName == "" then
		stop("partial")
	end
	-- At the first hyphen: names have none, realms may.
	local name, realm = fullName:match("^([^-]+)-(.+)$")
	online = online and true or false
	return {
		guid = guid,
		name = name or fullName,
		realm = realm or home,
		class = class,
		level = level,
		rank = rank,
		note = note,
		officer_note = officerNotes and officerNote or nil,
		online = online,
		last_online = lastOnline(index, online, now),
	}
end

local function byName(a, b)
	if a.name ~= b.name then
		return a.name < b.name
	end
	return a.realm < b.realm
end

local function readRows(me, ...)
	local total = Roster.count()
	if total == 0 then
		stop("loading")
	end
	local rows, seen, foundMe = {}, {}, false
	for i = 1, total do
		local row = readRow(i, ...)
		local key = row.name .. "-" .. row.realm
		if seen[key] then
			stop("partial")
		end
		seen[key] = true
		foundMe = foundMe or row.guid == me
		rows[i] = row
	end
	-- Without this character it is a part, or still the roster of the guild before this one.
	if not foundMe or Roster.count() ~= total then
		stop("partial")
	end
	-- The player's own order of the guild window says nothing, and would make equal rosters look different.
	table.sort(rows, byName)
	return rows
end

-- Offline members are listed only when the player wants to see them: ask for them, and put the player's choice back.
local function withOfflineShown(read)
	local own = plain(GetGuildRosterShowOffline())
	if own then
		return read()
	end
	local done, result = pcall(function()
		SetGuildRosterShowOffline(true)
		return read()
	end)
	SetGuildRosterShowOffline(false)
	if not done then
		error(result, 0)
	end
	return result
end

-- Give the whole roster: guild, exporter, ranks, rows and read_at. Stop for the reason why it can't be read now.
function Roster.read()
	Roster.checkMoment()
	local guild = Roster.guild()
	local home = plain(GetNormalizedRealmName())
	local name, me = plain(UnitName("player")), plain(UnitGUID("player"))
	if not home or not name or not me then
		stop("loading")
	end
	local officerNotes = Roster.seesOfficerNotes()
	local now = plain(GetServerTime())
	local reading = {
		guild = guild,
		exporter = { name = name, realm = home, officer_notes = officerNotes },
		ranks = readRanks(),
		rows = withOfflineShown(function()
			return readRows(me, home, officerNotes, now)
		end),
		read_at = now,
	}
	-- What was read while a fight began may be part of one and part of the other.
	Roster.checkMoment()
	return reading
end
