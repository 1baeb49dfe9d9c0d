-- MusterDB, the one table that the game keeps between sessions.
local _, ns = ...

local Database = {}
ns.Database = Database

local SCHEMA = 1

-- upgrades[n] takes the table from schema n to n + 1, in place. Each is dated, and none is ever changed.
-- 2026-11-21: schema 1 is the first that was released.
Database.upgrades = {}
Database.schema = SCHEMA
Database.defaults = { automatic = true, greeting = true }

local function fresh()
	return { schema = Database.schema }
end

local function upgraded(db)
	while db.schema < Database.schema do
		local upgrade = Database.upgrades[db.schema]
		if not upgrade or not pcall(upgrade, db) then
			return fresh()
		end
		db.schema = db.schema + 1
	end
	return db
end

local function repairOptions(db)
	if type(db.options) ~= "table" then
		db.options = {}
	end
	for option, default in pairs(Database.defaults) do
		if type(db.options[option]) ~= type(default) then
			db.options[option] = default
		end
	end
end

local function repairExports(db)
	if type(db.exports) ~= "table" then
		db.exports = {}
	end
	for key, export in pairs(db.exports) do
		if not ns.Exports.isWhole(export) then
			db.exports[key] = nil
		end
	end
end

-- Make ns.db of what the game loaded. What is broken starts anew. A table of a newer Muster is left as it is: ns.db is
-- then one of this session alone, and ns.newerSchema says so.
function Database.load()
	local db = MusterDB
	if type(db) ~= "table" or type(db.schema) ~= "number" then
		db = fresh()
	end
	ns.newerSchema = db.schema > Database.schema
	if ns.newerSchema then
		db = fresh()
	else
		db = upgraded(db)
		MusterDB = db
	end
	repairOptions(db)
	repairExports(db)
	ns.db = db
end
