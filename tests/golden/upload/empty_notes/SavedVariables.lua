
MusterDB = {
	["exports"] = {
		["eu/Argent Dawn/Night Watch"] = {
			["addon_version"] = "1.0.0",
			["export_id"] = "1767295833-1ae1a9ce-22c89d1f",
			["exported_at"] = 1767295833,
			["exporter"] = {
				["name"] = "Bob",
				["officer_notes"] = true,
				["realm"] = "ArgentDawn",
			},
			["format"] = 1,
			["guild"] = {
				["name"] = "Night Watch",
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
					["note"] = "",
					["officer_note"] = "",
					["online"] = true,
					["rank"] = 1,
					["realm"] = "ArgentDawn",
				}, -- [1]
				{
					["class"] = "DEATHKNIGHT",
					["guid"] = "Player-3702-0A1B0002",
					["last_online"] = 1767193200,
					["level"] = 90,
					["name"] = "Thornwick",
					["note"] = "",
					["officer_note"] = "",
					["online"] = false,
					["rank"] = 2,
					["realm"] = "ArgentDawn",
				}, -- [2]
				{
					["class"] = "PALADIN",
					["guid"] = "Player-3702-0A1B0001",
					["last_online"] = 1767283200,
					["level"] = 90,
					["name"] = "Ysolde",
					["note"] = "",
					["officer_note"] = "",
					["online"] = false,
					["rank"] = 0,
					["realm"] = "ArgentDawn",
				}, -- [3]
			},
		},
	},
	["options"] = {
		["automatic"] = true,
		["greeting"] = true,
	},
	["schema"] = 1,
}
