-- Decides when the roster is read. At each moment at most one thing is awaited, and `state.phase` names it:
--
--   idle        a change of the roster
--   interval    the time of the next export by itself
--   request     the moment from which the game answers a request again
--   roster      the game's answer, until it is whole and stable
--   combat, restricted, secret, loading, partial, error
--               the end of what made the last attempt stop
--   no_guild, region, newer_schema
--               nothing that time alone could bring
local _, ns = ...

local Guard, Roster, Exports = ns.Guard, ns.Roster, ns.Exports

local Exporter = {}
ns.Exporter = Exporter

local AUTOMATIC_INTERVAL = 15 * 60
local REQUEST_INTERVAL = 10 -- the game drops what is asked for sooner
local SETTLE = 3 -- right after login a part of the roster comes first: whole is what stays the same for so long
local ANSWER = 30 -- no roster after so long: ask again
local ECHO = 2 -- showing offline members makes the game send updates, up to so long after
-- When to try again without an event that tells of the end; a roster that stays partial, ever more rarely.
local RETRY = { combat = 60, restricted = 60, secret = 60, loading = 5, partial = 5, error = AUTOMATIC_INTERVAL }
local FINAL = { no_guild = true, region = true, newer_schema = true, error = true }

local state = { phase = "idle", checkedAt = {}, unwritten = {}, echoUntil = 0, partial = 0 }

local begin

local function cancelTimer()
	if state.timer then
		state.timer:Cancel()
		state.timer, state.timerEnds = nil, nil
	end
end

local function after(seconds, action)
	cancelTimer()
	state.timerEnds = GetTime() + seconds
	state.timer = C_Timer.NewTimer(seconds, function()
		state.timer, state.timerEnds = nil, nil
		action()
	end)
end

local function retryIn(phase)
	if phase ~= "partial" then
		return RETRY[phase]
	end
	state.partial = state.partial + 1
	return math.min(RETRY.partial * 2 ^ (state.partial - 1), AUTOMATIC_INTERVAL)
end

local function enter(phase)
	cancelTimer()
	state.phase = phase
	local seconds = retryIn(phase)
	if seconds then
		after(seconds, begin)
	end
	if FINAL[phase] and state.forced then
		state.forced = false
		ns.say(ns.L["WAIT_" .. phase])
	end
end

local function keep(reading)
	local export = Exports.keep(reading)
	state.unwritten[Exports.key(reading.guild)] = true
	if state.forced then
		state.forced = false
		ns.say(ns.L.EXPORTED, #export.rows, export.guild.name)
		if not export.exporter.officer_notes then
			ns.say(ns.L.NO_OFFICER_NOTES, export.exporter.name)
		end
		ns.say(ns.L.WRITTEN_LATER)
	end
end

local function read()
	state.reading = true
	local reading, reason = Guard.attempt(Roster.read)
	state.reading = false
	state.echoUntil = GetTime() + ECHO
	if not reading then
		return enter(reason)
	end
	local key = Exports.key(reading.guild)
	local gainedRight = reading.exporter.officer_notes and not state.sawOfficerNotes
	if gainedRight or key ~= state.askedFor then
		-- This roster was sent before the right came, when each officer note was hidden as "", or for another guild.
		return begin()
	end
	enter("idle")
	state.partial = 0
	state.checkedAt[key] = reading.read_at
	if state.forced or ns.db.options.automatic and Exports.isNews(reading) then
		keep(reading)
	end
end

local function secondsToAutomatic(guild)
	local now = Guard.plain(GetServerTime())
	local export = Exports.of(guild)
	local wait = 0
	-- What is dated ahead of the clock says nothing.
	for _, last in ipairs({ state.checkedAt[Exports.key(guild)] or 0, export and export.exported_at or 0 }) do
		if last <= now then
			wait = math.max(wait, last + AUTOMATIC_INTERVAL - now)
		end
	end
	return wait
end

local function ask(guild)
	state.sawOfficerNotes = Roster.seesOfficerNotes()
	state.askedFor = Exports.key(guild)
	state.askedAt = GetTime()
	state.count = nil
	enter("roster")
	after(ANSWER, begin)
	C_GuildInfo.GuildRoster()
end

local function step()
	if ns.newerSchema then
		Guard.stop("newer_schema")
	end
	local guild = Roster.guild()
	if not state.forced then
		if not ns.db.options.automatic then
			return enter("idle")
		end
		local wait = secondsToAutomatic(guild)
		if wait > 0 then
			enter("interval")
			return after(wait, begin)
		end
	end
	Roster.checkMoment()
	local pause = state.askedAt and state.askedAt + REQUEST_INTERVAL - GetTime() or 0
	if pause > 0 then
		enter("request")
		return after(pause, begin)
	end
	ask(guild)
end

-- Take the next step towards an export, whatever was awaited.
function begin()
	local _, reason = Guard.attempt(step)
	if reason then
		enter(reason)
	end
end

-- The game has sent a roster, or says that it changed.
function Exporter.rosterChanged()
	if state.phase == "no_guild" then
		-- After login this may be the first word of a guild.
		return begin()
	end
	if state.reading or state.phase ~= "roster" and state.phase ~= "idle" then
		return
	end
	local count, reason = Guard.attempt(Roster.count)
	if reason then
		return enter(reason)
	end
	if state.phase == "roster" then
		if count > 0 and count ~= state.count then
			state.count = count
			after(SETTLE, read)
		end
	else
		local isEcho = GetTime() < state.echoUntil and count == state.count
		if not isEcho then
			begin()
		end
	end
end

-- The character came into the world, joined or left a guild, or the player changed the options.
function Exporter.start()
	if state.phase ~= "roster" then
		begin()
	end
end

-- Something ended that may be what is awaited: one of these phases.
function Exporter.ended(...)
	for i = 1, select("#", ...) do
		if state.phase == select(i, ...) then
			return begin()
		end
	end
end

-- Export now, or as soon as the game lets us, and say what happens.
function Exporter.force()
	state.forced = true
	state.partial = 0
	Exporter.start()
	if state.forced then
		ns.say(Exporter.awaited())
	end
end

-- Give the text of what is awaited.
function Exporter.awaited()
	local seconds = state.timerEnds and math.ceil(state.timerEnds - GetTime()) or 0
	local phase = state.phase
	if phase == "idle" and not ns.db.options.automatic then
		phase = "off"
	end
	return ns.L["WAIT_" .. phase]:format(ns.duration(seconds))
end

-- Give whether the guild's export was made in this session, so that the game has yet to write it.
function Exporter.isUnwritten(guild)
	return state.unwritten[Exports.key(guild)] or false
end
