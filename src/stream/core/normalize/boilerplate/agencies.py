"""News agencies in many scripts, news desks, and newspapers that credit themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate.phrases import split_phrases

#: Short international name -> the agency's names in datelines and credits, separated by bars.
AGENCIES: Final = {
    "Reuters": """
        Reuters | Reuter | Thomson Reuters | رويترز | رویترز | روئٹرز | Рейтер | 路透社 | 路透 | ロイター | रॉयटर्स
        רויטרס | 로이터
    """,
    "AFP": """
        AFP | Agence France-Presse | أ ف ب | ا ف ب | أ.ف.ب | فرانس برس | وكالة فرانس برس | اے ایف پی
        خبرگزاری فرانسه | 法新社 | АФП | एएफपी | AFP通信
    """,
    "AP": """
        AP | Associated Press | The Associated Press | أ ب | أ.ب | أسوشيتد برس | اسوشيتد برس | اے پی | آسوشیتدپرس
        美联社 | एपी | AP通信
    """,
    "dpa": "dpa | د ب أ | د.ب.أ | الألمانية | 德新社 | ДПА",
    "UPI": "UPI | United Press International | يو بي آي",
    "Bloomberg": "Bloomberg | Bloomberg News | بلومبيرغ | بلومبرغ | 彭博社",
    "CNN": "CNN | CNN Arabic | CNN بالعربية | سي إن إن | سي ان ان",
    "BBC": "BBC | BBC News | بي بي سي | بي بي سي عربي",
    "Sky News Arabia": "سكاي نيوز عربية | سكاي نيوز | أبوظبي - سكاي نيوز عربية",
    "France 24": "France 24 | France24 | فرانس 24 | فرانس24",
    "DW": "DW | دويتشه فيله | دويتشه فيلله",
    "SPA": "SPA | واس | و ا س | وكالة الأنباء السعودية",
    "MENA": "MENA | أ ش أ | ا ش ا | أ.ش.أ",
    "QNA": "QNA | قنا | وكالة الأنباء القطرية",
    "WAM": "WAM | وام | وكالة أنباء الإمارات",
    "KUNA": "KUNA | كونا | وكالة الأنباء الكويتية",
    "Petra": "Petra | بترا | وكالة الأنباء الأردنية",
    "BNA": "BNA | بنا | وكالة أنباء البحرين",
    "ONA": "ONA | العمانية | وكالة الأنباء العمانية",
    "SANA": "SANA | سانا",
    "NNA": "NNA | الوطنية للإعلام",
    "INA": "INA | واع | وكالة الأنباء العراقية",
    "WAFA": "WAFA | وفا",
    "Ma'an": "Ma'an",
    "Saba": "سبأ | سبأ نت",
    "SUNA": "SUNA | سونا",
    "LANA": "LANA",
    "TAP": "TAP | وات | وكالة تونس أفريقيا للأنباء",
    "APS": "APS | واج | وكالة الأنباء الجزائرية",
    "MAP": "MAP | و م ع",
    "Anadolu": "AA | Anadolu | Anadolu Agency | Anadolu Ajansı | الأناضول | آناتولی",
    "DHA": "DHA",
    "IHA": "İHA",
    "IRNA": "IRNA | ایرنا | إرنا | ارنا",
    "ISNA": "ISNA | ایسنا | إسنا",
    "Fars": "Fars | فارس | خبرگزاری فارس",
    "Tasnim": "Tasnim | تسنیم | تسنيم | خبرگزاری تسنیم",
    "Mehr": "Mehr | مهر | خبرگزاری مهر",
    "ILNA": "ILNA | ایلنا",
    "Xinhua": "Xinhua | 新华社 | 新华网 | شينخوا",
    "CNS": "中新社 | 中新网 | 中新网客户端 | 中国新闻网",
    "CCTV": "CCTV | 央视新闻 | 央视网",
    "CNA": "中央社",
    "Kyodo": "Kyodo | Kyodo News | 共同 | 共同通信 | 共同社",
    "Jiji": "Jiji | Jiji Press | 時事 | 時事通信",
    "Yonhap": "Yonhap | 연합뉴스 | 韩联社",
    "Newsis": "Newsis | 뉴시스",
    "News1": "뉴스1",
    "KCNA": "KCNA | 朝中社",
    "TASS": "TASS | ITAR-TASS | ТАСС | ИТАР-ТАСС | تاس | 塔斯社",
    "RIA Novosti": "RIA | RIA Novosti | РИА Новости | РИА | نوفوستي",
    "RIAMO": "РИАМО",
    "Interfax": "Interfax | Интерфакс | INTERFAX.RU",
    "Sputnik": "Sputnik | سبوتنيك | Спутник",
    "Ukrinform": "Ukrinform | Укринформ | Укрінформ",
    "BelTA": "BelTA | БЕЛТА | БелТА",
    "EFE": "EFE | إفي | إيفي",
    "Europa Press": "Europa Press",
    "ANSA": "ANSA",
    "AGI": "AGI",
    "Adnkronos": "Adnkronos",
    "Lusa": "Lusa",
    "APA": "APA",
    "Keystone-SDA": "sda | ats | Keystone-SDA | Keystone-ATS",
    "Belga": "Belga",
    "ANP": "ANP",
    "Ritzau": "Ritzau",
    "NTB": "NTB",
    "TT": "TT",
    "PAP": "PAP",
    "CTK": "ČTK",
    "MTI": "MTI",
    "Agerpres": "Agerpres",
    "PTI": "PTI | Press Trust of India | भाषा | पीटीआई | پی ٹی آئی",
    "ANI": "ANI | एएनआई | اے این آئی",
    "IANS": "IANS | आईएएनएस",
    "UNI": "UNI | यूनीवार्ता | वार्ता | یو این آئی",
    "APP": "APP | اے پی پی",
    "BSS": "BSS",
    "Antara": "Antara",
    "Bernama": "Bernama",
    "VNA": "VNA | TTXVN",
    "PNA": "PNA",
    "AAP": "AAP",
    "PA": "PA | PA Media",
    "The Canadian Press": "The Canadian Press | Canadian Press",
    "NAN": "NAN",
    "ENA": "ENA",
}
#: Credits for several agencies, or for a desk instead of an agency.
DESKS: Final = """
    وكالات | الوكالات | متابعات | متابعة | وكالات الأنباء | صحف | Agencies | Agency | News Agencies | Staff
    Agences | Agenturen | Agencias | ایجنسی | ایجنسیاں | ایجنسیز | ویب ڈیسک | نیوز ڈیسک | مانیٹرنگ ڈیسک
    سپورٹس ڈیسک | اسپورٹس ڈیسک | نیٹ نیوز | بیورو رپورٹ | ڈیسک | एजेंसी | एजेंसियां | Web Desk | News Desk
"""
#: Newspapers and channels that credit themselves like an agency. None is an ordinary word there.
PAPERS: Final = """
    سبق | عين اليوم | الوئام | عكاظ | الشرق الأوسط | الاقتصادية | الجزيرة نت | العربية نت | العربية.نت | إيلاف
    اليوم السابع | المصري اليوم | القدس العربي | العربي الجديد | رأي اليوم | الرياضي | العين الإخبارية
    اندبندنت عربية | ڈان نیوز | سیاست ڈاٹ کام | ڈیلی پاکستان آن لائن | قدرت روزنامہ | INP | Dawn | KOMPAS.com
    Liputan6.com | detikcom | DN | Euronews
"""
#: A separator that folds to itself and is part of no name.
_SEPARATOR: Final = "\ua66e"
_ACRONYM_CHARS_MAX: Final = 4
_CREDIT_SEPARATOR: Final = re.compile(r"\s?[/،,=&+]\s?|\s+(?:و|and|et|und|y)\s+")


@cache
def _agencies() -> dict[str, str]:
    return {fold_letters(name): short for short, entry in AGENCIES.items() for name in split_phrases(entry)}


@cache
def _acronyms() -> frozenset[str]:
    """Return Latin acronyms as they are spelled: ``AP`` is the agency, ``ap`` and ``Ap`` are not."""
    names = (name for entry in AGENCIES.values() for name in split_phrases(entry))
    return frozenset(name for name in names if name.isascii() and len(name) <= _ACRONYM_CHARS_MAX)


@cache
def _desks_and_papers() -> frozenset[str]:
    return frozenset(fold_letters(name) for name in [*split_phrases(DESKS), *split_phrases(PAPERS)])


def find_agency(name: str) -> str | None:
    """Return the short international name of the agency with this name in any script, or None.

    >>> find_agency("رويترز"), find_agency("新华社"), find_agency("ap")
    ('Reuters', 'Xinhua', None)
    """
    return _find_folded(name, fold_letters(name))


def _find_folded(name: str, folded: str) -> str | None:
    short = _agencies().get(folded)
    if short and name.isascii() and len(name) <= _ACRONYM_CHARS_MAX and name not in _acronyms():
        return None
    return short


def identify_sources(names: Sequence[str]) -> list[tuple[str | None, bool]]:
    """Return (`find_agency`, `is_desk_or_paper`) of each name; all names are folded in one call."""
    folded = fold_letters(_SEPARATOR.join(names)).split(_SEPARATOR)
    if len(folded) != len(names):
        return [(find_agency(name), is_desk_or_paper(name)) for name in names]
    return [(_find_folded(name, key), key in _desks_and_papers()) for name, key in zip(names, folded, strict=True)]


def is_desk_or_paper(name: str) -> bool:
    """Whether ``name`` is a news desk, such as «وكالات» (agencies), or a newspaper that credits itself."""
    return fold_letters(name) in _desks_and_papers()


def parse_credit(credit: str) -> list[str] | None:
    """Return the agencies in a credit, or None if a part of it is neither an agency, a desk nor a newspaper.

    >>> parse_credit("AFP/Reuters"), parse_credit("وكالات"), parse_credit("AFP, Smith")
    (['AFP', 'Reuters'], [], None)
    """
    sources = identify_sources(_CREDIT_SEPARATOR.split(credit.strip(" .*-–—")))
    if not all(agency or is_other for agency, is_other in sources):
        return None
    return list(dict.fromkeys(agency for agency, _ in sources if agency))
