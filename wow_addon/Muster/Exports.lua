-- What is kept of a reading, in the form of the project's docs/upload-format.md, and when it replaces the last one.
local _, ns = ...

local Exports = {}
ns.Exports = Exports

local FORMAT = 1
local DAY = 24 * 3600
-- Who is online changes by the minute and is no news about the guild.
local ROW_CONTENT = { "guid", "name", "realm", "class", "level", "rank", "note", "officer_note" }

local function word()
	-- In two halves: the game's own formatter takes no number beyond 2^31.
	return ("%04x%04x"):format(math.random(0, 0xffff), math.random(0, 0xffff))
end

local function newId(moment)
	return ("%d-%s-%s"):format(moment, word(), word())
end

-- Give the key under which the guild's export stands.
function Exports.key(guild)
	return ("%s/%s/%s"):format(guild.region, guild.realm, guild.name)
end

-- Give the newest export of a guild, or nil.
function Exports.of(guild)
	return ns.db.exports[Exports.key(guild)]
end

-- Keep a reading as the newest export of its guild, and give it.
function Exports.keep(reading)
	local export = {
		format = FORMAT,
		export_id = newId(reading.read_at),
		exported_at = reading.read_at,
		addon_version = ns.version,
		guild = reading.guild,
		exporter = reading.exporter,
		ranks = reading.ranks,
		rows = reading.rows,
	}
	ns.db.exports[Exports.key(reading.guild)] = export
	return export
end

local function sameContent(export, reading)
	if export.exporter.officer_notes ~= reading.exporter.officer_notes then
		return false
	end
	if #export.rows ~= #reading.rows or #export.ranks ~= #reading.ranks then
		return false
	end
	for i, title in ipairs(reading.ranks) do
		if export.ranks[i] ~= title then
			return false
		end
	end
	for i, row in ipairs(reading.rows) do
		local old = export.rows[i]
		for _, field in ipairs(ROW_CONTENT) do
			if old[field] ~= row[field] then
				return false
			end
		end
	end
	return true
end

-- Give whether a reading says more than the export that stands.
--
-- An unchanged one does so after a day: the server would else take notes for old that were seen today. One without
-- officer notes waits as long before it takes the place of one with them, which may not have been uploaded yet.
function Exports.isNews(reading)
	local export = Exports.of(reading.guild)
	if not export then
		return true
	end
	local age = reading.read_at - export.exported_at
	if age < 0 or age >= DAY then
		return true
	end
	if export.exporter.officer_notes and not reading.exporter.officer_notes then
		return false
	end
	return not sameContent(export, reading)
end

local function isList(value, kind)
	if type(value) ~= "table" or #value == 0 then
		return false
	end
	for _, item in ipairs(value) do
		if type(item) ~= kind then
			return false
		end
	end
	return true
end

-- Give whether a value of the file is an export that this addon can have written.
function Exports.isWhole(export)
	return type(export) == "table"
		and export.format == FORMAT
		and type(export.export_id) == "string"
		and type(export.exported_at) == "number"
		and type(export.guild) == "table"
		and type(export.exporter) == "table"
		and type(export.exporter.name) == "string"
		and isList(export.ranks, "string")
		and isList(export.rows, "table")
end
