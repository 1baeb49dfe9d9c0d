local name, ns = ...

ns.name = name
ns.version = C_AddOns.GetAddOnMetadata(name, "Version")
ns.locales = {}

-- The texts, in the game's language where we have it and else in English.
ns.L = setmetatable({}, {
	__index = function(_, key)
		local own = ns.locales[GetLocale()] or ns.locales.enUS
		return own[key]
	end,
})

function ns.say(text, ...)
	print("|cffd4a84bMuster|r: " .. text:format(...))
end

local MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

-- Give a time span in words, in its largest whole unit.
function ns.duration(seconds)
	if seconds >= DAY then
		return ns.L.DAYS:format(seconds / DAY)
	elseif seconds >= HOUR then
		return ns.L.HOURS:format(seconds / HOUR)
	elseif seconds >= MINUTE then
		return ns.L.MINUTES:format(seconds / MINUTE)
	end
	return ns.L.SECONDS:format(math.max(seconds, 0))
end
