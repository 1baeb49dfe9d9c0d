-- Ways out of a reading of the game. Since 12.0 a value may be secret: an addon can hold it, but to compare it or to
-- join it to a text is an error. So each value of the game goes through `plain` before anything is done with it.
local _, ns = ...

local Guard = {}
ns.Guard = Guard

local Stop = {}

-- End the attempt that is under way, for a reason such as "secret" or "partial".
function Guard.stop(reason)
	error(setmetatable({ reason = reason }, Stop), 0)
end

-- Give the values back, or stop for "secret".
function Guard.plain(...)
	if issecretvalue then
		for i = 1, select("#", ...) do
			if issecretvalue((select(i, ...))) then
				Guard.stop("secret")
			end
		end
	end
	return ...
end

-- Run a function; give its first result, or nil and the reason for which it stopped. Any other error is the addon's
-- own: the game's error handler gets it, and the reason is "error".
function Guard.attempt(work, ...)
	local done, result = pcall(work, ...)
	if done then
		return result
	end
	if getmetatable(result) == Stop then
		return nil, result.reason
	end
	geterrorhandler()(result)
	return nil, "error"
end
