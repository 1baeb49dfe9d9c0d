-- A game client as far as the addon can see one: the documented functions over a table `world` that a test fills.
--
-- world: locale, region, realm, normalized_realm, version; player {name, guid}; guild {name, realm or nil} or nil;
-- ranks; roster (a list of members, named as GetGuildRosterInfo's values are); can_view_officer_note; show_offline;
-- combat; restricted (a set of restriction ids); server_time (at GetTime() = 0); answers (what a request brings:
-- {after, shown} each, `shown` being how many members the game knows of by then, nil for all).

local world, addon = ...

local client = {
	world = world,
	now = 0,
	chat = {},
	errors = {},
	calls = {}, -- how often each function was called
	secrets = {}, -- by function: which of its values is secret
	broken = {}, -- by function: the error that it raises
	before = {}, -- by function: what happens just before its call
	echo = "now", -- when the setter's own update comes: "now", "later" or "never"
	known = 0, -- members known to the game so far
	settings = {},
}

-- What the game does not give to addons.
for _, name in ipairs({ "io", "os", "require", "module", "package", "dofile", "loadfile", "load", "debug" }) do
	_G[name] = nil
end

-- ---------------------------------------------------------------- secret values
local secret = {}
local function refuse()
	error("attempt to use a secret value", 2)
end
local function newSecret()
	local value = newproxy(true)
	local meta = getmetatable(value)
	for _, event in ipairs({ "add", "sub", "mul", "div", "mod", "unm", "concat", "len", "lt", "le", "index", "newindex",
		"call", "tostring" }) do
		meta["__" .. event] = refuse
	end
	secret[value] = true
	return value
end

function issecretvalue(value)
	return secret[value] == true
end

-- ---------------------------------------------------------------- functions of the game
local function pack(...)
	return { n = select("#", ...), ... }
end

-- Add a function to a namespace, watched: counted, and made secret or broken when a test says so.
local function api(namespace, name, body)
	namespace[name] = function(...)
		client.calls[name] = (client.calls[name] or 0) + 1
		if client.before[name] then
			client.before[name](...)
		end
		if client.broken[name] then
			error(client.broken[name])
		end
		local values = pack(body(...))
		local position = client.secrets[name]
		if position then
			values.n = math.max(values.n, position)
			values[position] = newSecret()
		end
		return unpack(values, 1, values.n)
	end
end

local function isShown(member)
	return world.show_offline or member.online
end

local function known()
	return math.min(client.known, #world.roster)
end

local function shownRoster()
	local shown = {}
	for i = 1, known() do
		if isShown(world.roster[i]) then
			shown[#shown + 1] = world.roster[i]
		end
	end
	return shown
end

api(_G, "GetLocale", function() return world.locale end)
api(_G, "GetTime", function() return client.now end)
api(_G, "GetServerTime", function() return world.server_time + math.floor(client.now) end)
api(_G, "GetCurrentRegion", function() return world.region end)
api(_G, "GetRealmName", function() return world.realm end)
api(_G, "GetNormalizedRealmName", function() return world.normalized_realm end)
api(_G, "UnitName", function() return world.player.name, nil end)
api(_G, "UnitGUID", function() return world.player.guid end)
api(_G, "InCombatLockdown", function() return world.combat or false end)
api(_G, "IsInGuild", function() return world.guild ~= nil end)
api(_G, "GetGuildInfo", function()
	if world.guild then
		return world.guild.name, "Member", 3, world.guild.realm
	end
end)
api(_G, "GetNumGuildMembers", function()
	local online = 0
	for i = 1, known() do
		online = online + (world.roster[i].online and 1 or 0)
	end
	return known(), online, online
end)
api(_G, "GetGuildRosterShowOffline", function() return world.show_offline end)
api(_G, "GetGuildRosterInfo", function(index)
	local member = shownRoster()[index]
	if member then
		return member.name, member.rank_name, member.rank_index, member.level, member.class, member.zone,
			member.public_note, world.can_view_officer_note and member.officer_note or "", member.online,
			member.status, member.class_file, member.achievement_points, member.achievement_rank,
			member.is_mobile, member.can_sor, member.rep_standing, member.guid
	end
end)
api(_G, "GetGuildRosterLastOnline", function(index)
	local member = shownRoster()[index]
	if member and member.last_online then
		return unpack(member.last_online, 1, 4)
	end
end)
api(_G, "GuildControlGetNumRanks", function() return #world.ranks end)
api(_G, "GuildControlGetRankName", function(index) return world.ranks[index] end)

C_GuildInfo = {}
api(C_GuildInfo, "CanViewOfficerNote", function() return world.can_view_officer_note end)

C_AddOns = {}
api(C_AddOns, "GetAddOnMetadata", function(_, field) return field == "Version" and world.version or nil end)

Enum = { AddOnRestrictionType = { Combat = 0, Encounter = 1, ChallengeMode = 2, PvPMatch = 3, Map = 4, Chat = 5 } }
C_RestrictedActions = {}
api(C_RestrictedActions, "IsAddOnRestrictionActive", function(kind)
	if client.firing == "ADDON_RESTRICTION_STATE_CHANGED" then
		return false
	end
	return world.restricted[kind] or false
end)

-- ---------------------------------------------------------------- time
local timers = {}

local function schedule(seconds, action)
	local timer = { at = client.now + seconds, action = action, order = #timers }
	function timer:Cancel()
		self.cancelled = true
	end
	timers[#timers + 1] = timer
	return timer
end

C_Timer = {
	After = function(seconds, action) schedule(seconds, action) end,
	NewTimer = schedule,
}

local function nextTimer(limit)
	local found
	for i, timer in ipairs(timers) do
		if not timer.cancelled and timer.at <= limit and (not found or timer.at < timers[found].at) then
			found = i
		end
	end
	return found and table.remove(timers, found)
end

-- Let time pass, and all that happens in it.
function client.advance(seconds)
	local limit = client.now + seconds
	local timer = nextTimer(limit)
	while timer do
		client.now = timer.at
		timer.action()
		timer = nextTimer(limit)
	end
	client.now = limit
end

-- ---------------------------------------------------------------- events
local KNOWN_EVENTS = {
	ADDON_LOADED = true, PLAYER_LOGIN = true, PLAYER_ENTERING_WORLD = true, PLAYER_GUILD_UPDATE = true,
	GUILD_ROSTER_UPDATE = true, GUILD_RANKS_UPDATE = true, PLAYER_REGEN_ENABLED = true, PLAYER_REGEN_DISABLED = true,
	PLAYER_LOGOUT = true, ADDON_RESTRICTION_STATE_CHANGED = true,
}
client.known_events = KNOWN_EVENTS
local frames = {}

function CreateFrame()
	local frame = { events = {}, scripts = {} }
	function frame:RegisterEvent(event)
		if not KNOWN_EVENTS[event] then
			error("Frame:RegisterEvent(): Attempt to register unknown event \"" .. event .. "\"")
		end
		self.events[event] = true
	end
	function frame:UnregisterEvent(event)
		self.events[event] = nil
	end
	function frame:SetScript(script, handler)
		self.scripts[script] = handler
	end
	frames[#frames + 1] = frame
	return frame
end

function client.fire(event, ...)
	local outer = client.firing
	client.firing = event
	for _, frame in ipairs(frames) do
		if frame.events[event] then
			frame.scripts.OnEvent(frame, event, ...)
		end
	end
	client.firing = outer
end

api(_G, "SetGuildRosterShowOffline", function(shown)
	world.show_offline = shown
	if client.echo == "now" then
		client.fire("GUILD_ROSTER_UPDATE", false)
	elseif client.echo == "later" then
		schedule(0.1, function() client.fire("GUILD_ROSTER_UPDATE", false) end)
	end
end)

api(C_GuildInfo, "GuildRoster", function()
	if client.askedAt and client.now - client.askedAt < 10 then
		return
	end
	client.askedAt = client.now
	for _, answer in ipairs(world.answers) do
		schedule(answer.after, function()
			if world.guild then
				client.known = answer.shown or #world.roster
				client.fire("GUILD_ROSTER_UPDATE", false)
			end
		end)
	end
end)

-- ---------------------------------------------------------------- chat, errors, settings
function print(...)
	local parts = {}
	for i = 1, select("#", ...) do
		parts[i] = tostring((select(i, ...)))
	end
	client.chat[#client.chat + 1] = table.concat(parts, " ")
end

function geterrorhandler()
	return function(message)
		client.errors[#client.errors + 1] = tostring(message)
	end
end

SlashCmdList = {}

-- Type into the chat: finds the command as the game does, by the SLASH_ globals.
function client.type(line)
	local word, rest = line:match("^(%S+)%s*(.*)$")
	for name, handler in pairs(SlashCmdList) do
		if _G["SLASH_" .. name .. "1"] == word:lower() then
			return handler(rest)
		end
	end
	error("no such command: " .. word)
end

Settings = {}

function Settings.RegisterVerticalLayoutCategory(name)
	local category = { name = name, id = 41, boxes = {} }
	function category:GetID()
		return self.id
	end
	return category
end

function Settings.RegisterAddOnSetting(category, variable, key, tbl, kind, name, default)
	assert(type(variable) == "string" and type(tbl) == "table" and kind == type(default) and type(name) == "string")
	local setting = { category = category, variable = variable, name = name }
	function setting:GetValue()
		return tbl[key]
	end
	function setting:SetValue(value)
		assert(type(value) == kind)
		tbl[key] = value
		if self.changed then
			self.changed(self, value)
		end
	end
	function setting:SetValueChangedCallback(callback)
		self.changed = callback
	end
	client.settings[variable] = setting
	return setting
end

function Settings.CreateCheckbox(category, setting, tooltip)
	assert(setting.category == category and type(tooltip) == "string")
	category.boxes[setting.name] = tooltip
end

function Settings.RegisterAddOnCategory(category)
	client.category = category
end

api(Settings, "OpenToCategory", function(id)
	assert(not world.combat, "the settings window is protected in combat")
	client.opened = id == client.category.id and client.category.name
end)

-- ---------------------------------------------------------------- chance, told by the world
local seed = world.seed or 1
function math.random(low, high)
	seed = (seed * 16807) % 2147483647
	return low + seed % (high - low + 1)
end

-- ---------------------------------------------------------------- the addon
-- Run the addon's files as the .toc lists them. `files` holds {name, text} each.
function client.load(files)
	local namespace = {}
	client.namespace = namespace
	for _, file in ipairs(files) do
		local chunk = assert(loadstring(file.text, "@" .. file.name))
		chunk(addon, namespace)
	end
end

function client.globals()
	local names = {}
	for name in pairs(_G) do
		names[#names + 1] = name
	end
	return names
end

return client
