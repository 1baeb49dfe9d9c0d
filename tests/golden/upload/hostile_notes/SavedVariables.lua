
MusterDB = {
	["exports"] = {
		["eu/Argent Dawn/Night \"Watch\" \\o/"] = {
			["addon_version"] = "1.0.0",
			["export_id"] = "1767295833-48b42171-b56d174c",
			["exported_at"] = 1767295833,
			["exporter"] = {
				["name"] = "Bob",
				["officer_notes"] = true,
				["realm"] = "ArgentDawn",
			},
			["format"] = 1,
			["guild"] = {
				["name"] = "Night \"Watch\" \\o/",
				["realm"] = "Argent Dawn",
				["region"] = "eu",
			},
			["ranks"] = {
				"Guild Master", -- [1]
				"Officer", -- [2]
				"Raider", -- [3]
				"Member", -- [4]
				"Trial", -- [5]
			},
			["rows"] = {
				{
					["class"] = "MAGE",
					["guid"] = "Player-3702-0A1B2C3D",
					["last_online"] = 1767295833,
					["level"] = 90,
					["name"] = "Bob",
					["note"] = "says \"hi\" \\ and \\\" bye\\",
					["officer_note"] = "|cffff0000red|r |Hitem:1|h[x]|h",
					["online"] = true,
					["rank"] = 1,
					["realm"] = "ArgentDawn",
				}, -- [1]
				{
					["class"] = "ROGUE",
					["guid"] = "Player-3702-0A1B0006",
					["last_online"] = 1767295833,
					["level"] = 71,
					["name"] = "Dunmar",
					["note"] = "'single' [[long]]",
					["officer_note"] = "​  ",
					["online"] = true,
					["rank"] = 4,
					["realm"] = "ArgentDawn",
				}, -- [2]
				{
					["class"] = "DRUID",
					["guid"] = "Player-3702-0A1B0003",
					["last_online"] = 1767294000,
					["level"] = 90,
					["name"] = "Marrowen",
					["note"] = "{[1] = nil, }",
					["officer_note"] = "]] ]==] [=[",
					["online"] = false,
					["rank"] = 2,
					["realm"] = "ArgentDawn",
				}, -- [3]
				{
					["class"] = "HUNTER",
					["guid"] = "Player-3702-0A1B0004",
					["last_online"] = 1761087600,
					["level"] = 90,
					["name"] = "Pipkin",
					["note"] = "\\195\\177 \\n %s %d",
					["officer_note"] = "tab	here, CR\rthere",
					["online"] = false,
					["rank"] = 3,
					["realm"] = "ArgentDawn",
				}, -- [4]
				{
					["class"] = "EVOKER",
					["guid"] = "Player-3702-0A1B0005",
					["last_online"] = 1735473600,
					["level"] = 90,
					["name"] = "Quellara",
					["note"] = "🐉龍용 ñ é ‮abc",
					["officer_note"] = "=1+1 @everyone <@1> `x` *y*",
					["online"] = false,
					["rank"] = 3,
					["realm"] = "ArgentDawn",
				}, -- [5]
				{
					["class"] = "DEATHKNIGHT",
					["guid"] = "Player-3702-0A1B0002",
					["last_online"] = 1767193200,
					["level"] = 90,
					["name"] = "Thornwick",
					["note"] = "-- not a comment",
					["officer_note"] = "--[[ nor this ]]",
					["online"] = false,
					["rank"] = 2,
					["realm"] = "ArgentDawn",
				}, -- [6]
				{
					["class"] = "PALADIN",
					["guid"] = "Player-3702-0A1B0001",
					["last_online"] = 1767283200,
					["level"] = 90,
					["name"] = "Ysolde",
					["note"] = "first line\nsecond line",
					["officer_note"] = "} -- [1]\n}\nMusterDB = nil",
					["online"] = false,
					["rank"] = 0,
					["realm"] = "ArgentDawn",
				}, -- [7]
			},
		},
	},
	["options"] = {
		["automatic"] = true,
		["greeting"] = true,
	},
	["schema"] = 1,
}
