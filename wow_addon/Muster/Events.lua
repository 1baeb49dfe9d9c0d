-- The one frame that listens to the game.
local _, ns = ...

local Exporter = ns.Exporter

local frame = CreateFrame("Frame")
local events = {}

function events.ADDON_LOADED(name)
	if name ~= ns.name then
		return
	end
	frame:UnregisterEvent("ADDON_LOADED")
	ns.Database.load()
	ns.Options.register()
end

function events.PLAYER_LOGIN()
	if ns.newerSchema then
		ns.say(ns.L.WAIT_newer_schema)
	elseif ns.db.options.greeting then
		ns.say(ns.L.GREETING, ns.version)
	end
end

-- Also after each loading screen, when there is nothing new.
function events.PLAYER_ENTERING_WORLD(isLogin, isReload)
	if isLogin or isReload then
		Exporter.start()
	end
end

function events.PLAYER_GUILD_UPDATE(unit)
	if unit == "player" then
		Exporter.start()
	end
end

events.GUILD_ROSTER_UPDATE = Exporter.rosterChanged
events.GUILD_RANKS_UPDATE = Exporter.rosterChanged

function events.PLAYER_REGEN_ENABLED()
	Exporter.ended("combat", "restricted", "secret")
end

function events.ADDON_RESTRICTION_STATE_CHANGED()
	-- While this event is under way every restriction reads as ended.
	C_Timer.After(1, function()
		Exporter.ended("restricted", "secret")
	end)
end

frame:SetScript("OnEvent", function(_, event, ...)
	events[event](...)
end)
for event in pairs(events) do
	-- A version of the game that does not know an event raises an error.
	pcall(frame.RegisterEvent, frame, event)
end
