"""Words of guild notes that are no names, in the languages of the game's realms: what stands beside a name and why."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.names import fold
from domain.similar import SYLLABIC


class Word(StrEnum):
    """Name what a known word of a note does."""

    ALT = "alt"
    """Says that the character is somebody's other one."""
    MAIN = "main"
    """Says that a main is named, or that this is one."""
    DISCORD = "discord"
    """Says that a Discord member is named."""
    LINK = "link"
    """Joins an alt or main word to a name: of, von, de, for."""
    CLASS = "class"
    """A class, a role or a profession; describes the character beside a name."""
    TITLE = "title"
    """A rank or an office beside a name."""
    FIGURE = "figure"
    """Goes with a number, and both say nothing here."""
    REMARK = "remark"
    """Says something of its own; a note that holds one names nobody by its other words."""


_WORDS: Final = {
    Word.ALT: """
        alt alts twink twinks toon toons char chars bank bankalt bankchar banktoon banktwink banker mule altchar second
        secondary 2t 2tchar zweitchar zweitcharakter nebenchar
        reroll rerolls alter mulet banque perso personnage secondaire
        secundario secundaria alterno secundário pj personaje personagem
        banco bancos boneco ersatz ersatzchar
        альт альты твинк твин твинка твиночек тв банк перс персонаж второй
        부캐 부캐릭 부케 창고 부계정 서브 세컨 배럭
        小号 分身
    """,
    Word.MAIN: """
        m main mains mainchar owner owned belongs played hauptchar hauptcharakter haupt principal principale
        мейн мэйн осн основа основной мейна основы
        gehört
        본캐 본캐릭 메인 본
        大号 主号 本尊
    """,
    Word.DISCORD: "discord disc dc disco dis дискорд дис дс диск 디스코드 디코 디코명 디코닉 ディスコード",
    Word.LINK: "of for in im by to on is ist est from von vom v zu auf des du de del da do dos от у для 의 的",
    Word.CLASS: """
        dk deathknight dh demonhunter druid dudu dru feral balance boomkin boomie bear guardian resto
        evoker voker dragon aug augmentation preservation devastation
        hunter hunt huntard bm marksman survival
        mage arcane frostmage firemage monk brewmaster windwalker mistweaver
        paladin pala pally pal holy prot ret retri retribution protection
        priest disc shadow spriest rogue sub assa assassin outlaw
        shaman sham shammy ele enh enhance enhancement elemental warlock lock affli demo destro
        warrior warr war arms fury
        tank tanks heal heals healer healers dps rdps mdps melee ranged caster support
        todesritter dämonenjäger druide rufer jäger magier mönch paladin priester schurke schamane hexenmeister hexer
        krieger heiler
        chevalier démon chasseur druide évocateur moine prêtre voleur chaman démoniste guerrier soigneur
        caballero cazador druida evocador mago monje paladín sacerdote pícaro chamán brujo guerrero sanador tanque
        cavaleiro caçador conjurante monge sacerdote ladino xamã bruxo guerreiro curandeiro
        рога роги разбойник вар воин пал паладин прист жрец хант охотник маг шам шаман лок чернокнижник дру друид монк
        монах дх дк эвокер пробудитель танк хил хилл дд рдд мдд
        죽기 악사 드루 드루이드 기원사 사냥꾼 냥꾼 법사 수도사 수도 성기사 기사 사제 도적 술사 주술사 흑마 흑마법사 전사
        탱커 탱 힐러 힐 딜러 딜 근딜 원딜
        mining miner herb herbs herbalism herbalist alch alchy alchemy alchemist skin skinner skinning
        lw leatherworker leatherworking bs blacksmith blacksmithing jc jewelcrafting jewelcrafter
        ench enchant enchanter enchanting tailor tailoring eng engi engineer engineering
        insc inscription scribe cook cooking fishing profession professions prof profs crafter crafting
        死亡骑士 恶魔猎手 德鲁伊 猎人 法师 武僧 圣骑士 牧师 潜行者 萨满 术士 战士 唤魔师
        战士 法师
    """,
    Word.TITLE: """
        gm guildmaster guildmistress guildleader guildlead leader officer offi raidlead raidleader lead rl co-gm cogm
        veteran vet raider name tag nickname user username handle id irl
        trial trialist initiate member social casual recruit
        gildenmeister gildenleiter offizier raidleiter mitglied
        officier oficial рл гм офицер рейдер
        pseudo
        길드장 길마 부길마 임원 오피서 공대장 닉 닉네임
        会长 官员
    """,
    Word.FIGURE: "ilvl ilevel ilv gs io rio score gearscore lvl level lv stufe niveau nivel cr",
    Word.REMARK: """
        joined since bis until inv invited friend promoted knows ask me not no bot
        inactive afk away back break retired banned loot trial raid team only new old ex former
        wife husband brother sister gf bf son daughter partner fiance fiancee girlfriend boyfriend
        mom mum dad mother father kid kids cousin uncle aunt nephew niece family mate roommate flatmate coworker
        guild guildbank gbank gilde gildenbank guilde
        pvp pve spec offspec group grp run runs keys
        mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday weekend weekends
        di mi do fr sa so lun mer jeu ven dim mie jue vie sab
        пн вт ср чт пт сб вс
        urlaub weg bitte kennt frau mann freund freundin bruder schwester sohn tochter kollege kumpel
        ами друг жена муж
    """,
}

_CLASSES: Final = {
    1: "warrior warr war arms fury krieger guerrier guerrero guerreiro вар воин 전사 战士",
    2: "paladin pala pally pal prot ret retri paladín пал паладин 성기사 圣骑士",
    3: "hunter hunt huntard bm jäger chasseur cazador caçador хант охотник 사냥꾼 냥꾼 猎人",
    4: "rogue assa assassin outlaw schurke voleur pícaro ladino рога роги разбойник 도적 潜行者",
    5: "priest disc spriest priester prêtre sacerdote прист жрец 사제 牧师",
    6: "dk deathknight todesritter дк 죽기 死亡骑士",
    7: "shaman sham shammy ele enh schamane chaman chamán xamã шам шаман 술사 주술사 萨满",
    8: "mage frostmage firemage magier mago маг 법사 法师",
    9: "warlock lock affli demo destro hexenmeister hexer démoniste brujo bruxo лок чернокнижник 흑마 흑마법사 术士",
    10: "monk brewmaster windwalker mistweaver mönch moine monje monge монк монах 수도사 수도 武僧",
    11: "druid dudu dru feral boomkin boomie druide druida дру друид 드루 드루이드 德鲁伊",
    12: "dh demonhunter dämonenjäger дх 악사 恶魔猎手",
    13: "evoker voker rufer évocateur evocador эвокер пробудитель 기원사 唤魔师",
}

CLASSES: Final = MappingProxyType({fold(text): id_ for id_, texts in _CLASSES.items() for text in texts.split()})
"""Battle.net's id of the class that a word of notes means, by its key; words that fit several classes are left out."""

MEANINGS: Final = MappingProxyType(
    {fold(text): word for word, texts in reversed(_WORDS.items()) for text in texts.split() if fold(text)}
)
"""The meaning of each known word by its key; one in several lists means the first of them."""

_ARTICLES: Final = """
    the a an my his her our your this that der die das ein eine mein meine le la les un une mon ma el los mi o os meu
    мой моя
"""
ARTICLES: Final = frozenset(_ARTICLES.split())
"""Words that stand where a name might, and are none."""
DENIALS: Final = frozenset({"not", "no", "never", "isnt", "kein", "keine", "nicht", "pas", "nunca", "nao", "nie", "не"})
"""Words before an alt word that say that the character is nobody's alt."""
_NO_NAMES: Final = "yes no none nobody unknown na tbd has have needs need same nein nada aucun нет да 없음 无"
NO_NAMES: Final = ARTICLES | DENIALS | {fold(word) for word in _NO_NAMES.split()}
"""Articles, denials, and words that answer where a name is asked for, and tell that there is none."""
_MONTHS: Final = """
    jan january januar janvier enero janeiro feb february februar février febrero mar march märz mars marzo
    apr april avril abril may mai mayo maio jun june juni juin junio jul july juli juillet julio aug august août agosto
    sep sept september septembre septiembre oct october oktober octobre nov november novembre dec december dezember
    января февраля марта апреля мая июня июля августа сентября октября ноября декабря
"""
MONTHS: Final = frozenset(fold(word) for word in _MONTHS.split())
"""Months: beside a number a date, else perhaps a person."""
CONJUNCTIONS: Final = frozenset({"and", "und", "et", "y", "e", "и", "ja", "og", "och"})
"""Words that make one person two."""

_GLUED: Final = {
    key for key, word in MEANINGS.items() if word in (Word.ALT, Word.MAIN) and key >= SYLLABIC and len(key) > 1
}
GLUED: Final = tuple(sorted(_GLUED, key=lambda key: (-len(key), key)))
"""Words that scripts without spaces put onto the name; the longest first."""
