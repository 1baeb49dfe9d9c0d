-- The addon's page in the game's own settings.
local _, ns = ...

local Options = {}
ns.Options = Options

local category

local function checkbox(key, label, tip, changed)
	local default = ns.Database.defaults[key]
	local setting = Settings.RegisterAddOnSetting(
		category, "MUSTER_" .. key:upper(), key, ns.db.options, type(default), label, default
	)
	if changed then
		setting:SetValueChangedCallback(changed)
	end
	Settings.CreateCheckbox(category, setting, tip)
end

-- Add the page, once ns.db is there. A game without such settings goes without, and so does a table that is not ours
-- to change.
function Options.register()
	if ns.newerSchema or not (Settings and Settings.RegisterVerticalLayoutCategory and Settings.RegisterAddOnSetting) then
		return
	end
	category = Settings.RegisterVerticalLayoutCategory("Muster")
	checkbox("automatic", ns.L.OPTION_AUTOMATIC, ns.L.OPTION_AUTOMATIC_TIP, ns.Exporter.start)
	checkbox("greeting", ns.L.OPTION_GREETING, ns.L.OPTION_GREETING_TIP)
	Settings.RegisterAddOnCategory(category)
end

function Options.open()
	if ns.newerSchema then
		ns.say(ns.L.WAIT_newer_schema)
	elseif not category then
		ns.say(ns.L.OPTIONS_MISSING)
	elseif InCombatLockdown() then
		-- The settings window is protected: opened by an addon in combat it is an error.
		ns.say(ns.L.OPTIONS_IN_COMBAT)
	else
		Settings.OpenToCategory(category:GetID())
	end
end
