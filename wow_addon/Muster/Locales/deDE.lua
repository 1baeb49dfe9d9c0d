local _, ns = ...

ns.locales.deDE = {
	GREETING = "Version %s. Mit /muster help seht Ihr, was das Addon kann.",
	EXPORTED = "%d Mitglieder von %s exportiert.",
	NO_OFFICER_NOTES = "Ohne Offiziersnotizen: %s darf sie nicht lesen.",
	WRITTEN_LATER = "Geschrieben wird beim nächsten /reload oder Ausloggen; danach kann der Companion hochladen.",

	STATUS_GUILD = "Gilde: %s (%s, %s)",
	STATUS_EXPORT = "Letzter Export: %d Mitglieder, vor %s, von %s, %s.",
	STATUS_NO_EXPORT = "Letzter Export: noch keiner. Mit /muster macht Ihr einen.",
	STATUS_WITH_NOTES = "mit Offiziersnotizen",
	STATUS_WITHOUT_NOTES = "ohne Offiziersnotizen",
	STATUS_UNWRITTEN = "Er steht noch nicht in der Datei: Das geschieht beim nächsten /reload oder Ausloggen.",
	STATUS_NOW = "Jetzt: %s",

	WAIT_idle = "exportiert wird, wenn sich die Mitgliederliste ändert.",
	WAIT_interval = "die Mitgliederliste wird in %s wieder angesehen.",
	WAIT_request = "das Spiel antwortet in %s wieder, dann wird exportiert.",
	WAIT_roster = "warte auf die ganze Mitgliederliste vom Spiel.",
	WAIT_combat = "Ihr seid im Kampf; exportiert wird, wenn er endet.",
	WAIT_restricted = "das Spiel schränkt Addons hier ein; exportiert wird, wenn das endet.",
	WAIT_secret = "das Spiel verbirgt die Mitgliederliste gerade vor Addons; nächster Versuch in %s.",
	WAIT_loading = "das Spiel hat Eure Gilde noch nicht geladen; nächster Versuch in %s.",
	WAIT_partial = "das Spiel zeigt erst einen Teil der Mitgliederliste; nächster Versuch in %s.",
	WAIT_no_guild = "Ihr seid in keiner Gilde, es gibt also nichts zu exportieren.",
	WAIT_region = "Muster kennt die Region dieses Spiels nicht, deshalb wird nichts exportiert.",
	WAIT_newer_schema = "Eure gespeicherten Daten stammen von einer neueren Version von Muster. Sie bleiben, wie sie sind, und nichts wird exportiert: Aktualisiert das Addon.",
	WAIT_error = "die Mitgliederliste war wegen eines Fehlers in Muster nicht zu lesen; /reload kann helfen.",
	WAIT_off = "von selbst wird nicht exportiert; mit /muster exportiert Ihr selbst.",

	SECONDS = "%d Sek.",
	MINUTES = "%d Min.",
	HOURS = "%d Std.",
	DAYS = "%d T.",

	HELP_EXPORT = "/muster: die Mitgliederliste der Gilde jetzt exportieren",
	HELP_STATUS = "/muster status: was exportiert ist und worauf gewartet wird",
	HELP_OPTIONS = "/muster options: die Einstellungen",
	HELP_HELP = "/muster help: diese Liste",

	OPTION_AUTOMATIC = "Von selbst exportieren",
	OPTION_AUTOMATIC_TIP = "Nach dem Einloggen und wenn sich die Mitgliederliste geändert hat, höchstens alle 15 Minuten.",
	OPTION_GREETING = "Meldung beim Einloggen",
	OPTION_GREETING_TIP = "Eine Zeile im Chat, wenn Ihr Euch einloggt.",
	OPTIONS_IN_COMBAT = "Die Einstellungen lassen sich im Kampf nicht öffnen.",
	OPTIONS_MISSING = "Diese Version des Spiels hat keine Einstellungen für Addons.",
}
