"""What the signs beside figures are called in thirteen languages."""

from __future__ import annotations

from dataclasses import dataclass, field

Forms = tuple[str, ...]  # of one; of several; in Slavic languages of 1, of 2 to 4, of 5 and more


@dataclass(frozen=True)
class Spoken:
    """A language's words.

    Attributes:
        point: between a number and its fraction, for which `decimal` is written and `thousands` is not.
        minus, plus: before a number.
        percent: after it, or before it where `percent_first`.
        money: what signs and codes stand for: forms of the whole, forms of the hundredth.
        of_months: names of the months as in dates, January first; none where they are numbered.
        short: abbreviations, with their point.
        joined: where words are written without spaces.
    """

    point: str
    minus: str
    plus: str
    percent: Forms
    money: dict[str, tuple[Forms, Forms]]
    of_months: Forms = ()
    short: dict[str, str] = field(default_factory=dict)
    decimal: str = "."
    thousands: str = ","
    percent_first: bool = False
    joined: bool = False


def _money(euro: str, dollar: str, pound: str, yen: str, cent: str, penny: str = "") -> dict[str, tuple[Forms, Forms]]:
    """Forms are parted by a stroke."""
    cents, pence = tuple(cent.split("|")), tuple((penny or cent).split("|"))
    whole = {"€": euro, "$": dollar, "£": pound, "¥": yen}
    return {sign: (tuple(name.split("|")), pence if sign == "£" else cents) for sign, name in whole.items()}


SPOKEN = {
    "en": Spoken(
        "point",
        "minus",
        "plus",
        ("percent",),
        _money("euro|euros", "dollar|dollars", "pound|pounds", "yen", "cent|cents", "penny|pence"),
        (
            *("January", "February", "March", "April", "May", "June"),
            *("July", "August", "September", "October", "November", "December"),
        ),
        {
            "Dr.": "Doctor",
            "Mr.": "Mister",
            "Mrs.": "Missis",
            "Ms.": "Miss",
            "Prof.": "Professor",
            "e.g.": "for example",
            "i.e.": "that is",
            "etc.": "et cetera",
            "vs.": "versus",
            "approx.": "approximately",
            "No.": "number",
            "Mt.": "Mount",
            "Jr.": "Junior",
            "Sr.": "Senior",
        },
    ),
    "de": Spoken(
        "Komma",
        "minus",
        "plus",
        ("Prozent",),
        _money("Euro", "Dollar", "Pfund", "Yen", "Cent", "Pence"),
        (
            *("Januar", "Februar", "März", "April", "Mai", "Juni"),
            *("Juli", "August", "September", "Oktober", "November", "Dezember"),
        ),
        {
            "z. B.": "zum Beispiel",
            "z.B.": "zum Beispiel",
            "d. h.": "das heißt",
            "d.h.": "das heißt",
            "usw.": "und so weiter",
            "bzw.": "beziehungsweise",
            "ca.": "circa",
            "Dr.": "Doktor",
            "Nr.": "Nummer",
            "Prof.": "Professor",
            "u. a.": "unter anderem",
            "u.a.": "unter anderem",
            "Str.": "Straße",
        },
        ",",
        ".",
    ),
    "es": Spoken(
        "coma",
        "menos",
        "más",
        ("por ciento",),
        _money("euro|euros", "dólar|dólares", "libra|libras", "yen|yenes", "céntimo|céntimos", "penique|peniques"),
        (
            *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
            *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
        ),
        {
            "Sr.": "señor",
            "Sra.": "señora",
            "Dr.": "doctor",
            "Dra.": "doctora",
            "Ud.": "usted",
            "Uds.": "ustedes",
            "etc.": "etcétera",
            "p. ej.": "por ejemplo",
            "EE. UU.": "Estados Unidos",
            "núm.": "número",
        },
        ",",
        ".",
    ),
    "fr": Spoken(
        "virgule",
        "moins",
        "plus",
        ("pour cent",),
        _money("euro|euros", "dollar|dollars", "livre|livres", "yen|yens", "centime|centimes", "penny|pence"),
        (
            *("janvier", "février", "mars", "avril", "mai", "juin"),
            *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
        ),
        {
            "M.": "monsieur",
            "Mme": "madame",
            "Mlle": "mademoiselle",
            "Dr": "docteur",
            "etc.": "et cetera",
            "p. ex.": "par exemple",
            "av.": "avenue",
            "n°": "numéro",
            "c.-à-d.": "c'est-à-dire",
        },
        ",",
        " ",
    ),
    "hi": Spoken(
        "दशमलव",
        "ऋण",
        "धन",
        ("प्रतिशत",),
        {**_money("यूरो", "डॉलर", "पाउंड", "येन", "सेंट", "पेंस"), "₹": (("रुपया", "रुपये"), ("पैसा", "पैसे"))},
        (
            *("जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून"),
            *("जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"),
        ),
        {"डॉ.": "डॉक्टर", "प्रो.": "प्रोफ़ेसर", "रु.": "रुपये", "कि.मी.": "किलोमीटर"},
    ),
    "it": Spoken(
        "virgola",
        "meno",
        "più",
        ("per cento",),
        _money("euro", "dollaro|dollari", "sterlina|sterline", "yen", "centesimo|centesimi", "penny|pence"),
        (
            *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
            *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
        ),
        {
            "Sig.": "signor",
            "Sig.ra": "signora",
            "Dott.": "dottor",
            "Prof.": "professor",
            "ecc.": "eccetera",
            "es.": "esempio",
            "pag.": "pagina",
            "n.": "numero",
        },
        ",",
        ".",
    ),
    "ja": Spoken(
        "点",
        "マイナス",
        "プラス",
        ("パーセント",),
        _money("ユーロ", "ドル", "ポンド", "円", "セント", "ペンス"),
        short={"㎞": "キロメートル", "㎏": "キログラム"},
        joined=True,
    ),
    "ko": Spoken(
        "점",
        "마이너스",
        "플러스",
        ("퍼센트",),
        {**_money("유로", "달러", "파운드", "엔", "센트", "펜스"), "₩": (("원",), ("전",))},
    ),
    "pl": Spoken(
        "przecinek",
        "minus",
        "plus",
        ("procent",),
        {
            **_money("euro", "dolar|dolary|dolarów", "funt|funty|funtów", "jen|jeny|jenów", "cent|centy|centów"),
            "zł": (("złoty", "złote", "złotych"), ("grosz", "grosze", "groszy")),
        },
        (
            *("stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca"),
            *("lipca", "sierpnia", "września", "października", "listopada", "grudnia"),
        ),
        {
            "np.": "na przykład",
            "itd.": "i tak dalej",
            "itp.": "i tym podobne",
            "tzn.": "to znaczy",
            "dr": "doktor",
            "prof.": "profesor",
            "ul.": "ulica",
            "nr": "numer",
            "m.in.": "między innymi",
        },
        ",",
        " ",
    ),
    "pt": Spoken(
        "vírgula",
        "menos",
        "mais",
        ("por cento",),
        {
            **_money("euro|euros", "dólar|dólares", "libra|libras", "iene|ienes", "cêntimo|cêntimos", "penny|pence"),
            "R$": (("real", "reais"), ("centavo", "centavos")),
        },
        (
            *("janeiro", "fevereiro", "março", "abril", "maio", "junho"),
            *("julho", "agosto", "setembro", "outubro", "novembro", "dezembro"),
        ),
        {
            "Sr.": "senhor",
            "Sra.": "senhora",
            "Dr.": "doutor",
            "Dra.": "doutora",
            "etc.": "et cetera",
            "p. ex.": "por exemplo",
            "Av.": "avenida",
            "n.º": "número",
        },
        ",",
        ".",
    ),
    "ru": Spoken(
        "запятая",
        "минус",
        "плюс",
        ("процент", "процента", "процентов"),
        {
            **_money(
                "евро",
                "доллар|доллара|долларов",
                "фунт|фунта|фунтов",
                "иена|иены|иен",
                "цент|цента|центов",
                "пенс|пенса|пенсов",
            ),
            "₽": (("рубль", "рубля", "рублей"), ("копейка", "копейки", "копеек")),
        },
        (
            *("января", "февраля", "марта", "апреля", "мая", "июня"),
            *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
        ),
        {
            "т. е.": "то есть",
            "т.е.": "то есть",
            "т. д.": "так далее",
            "т.д.": "так далее",
            "др.": "другие",
            "ул.": "улица",
            "г-н": "господин",
            "г-жа": "госпожа",
            "руб.": "рублей",
            "напр.": "например",
        },
        ",",
        " ",
    ),
    "tr": Spoken(
        "virgül",
        "eksi",
        "artı",
        ("yüzde",),
        {**_money("euro", "dolar", "sterlin", "yen", "sent", "peni"), "₺": (("lira",), ("kuruş",))},
        (
            *("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran"),
            *("Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"),
        ),
        {
            "vb.": "ve benzeri",
            "vs.": "vesaire",
            "Dr.": "Doktor",
            "Prof.": "Profesör",
            "örn.": "örneğin",
            "No.": "numara",
        },
        ",",
        ".",
        percent_first=True,
    ),
    "zh": Spoken(
        "点",
        "负",
        "加",
        ("百分之",),
        {**_money("欧元", "美元", "英镑", "元", "分")},
        percent_first=True,
        joined=True,
    ),
}
LANGUAGES = tuple(SPOKEN)
