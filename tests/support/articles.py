"""Raw articles for tests: written texts, and as many fictional ones as are needed from word lists."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import orjson

FLOOD: Final = (
    "لقي أربعة أشخاص مصرعهم وأصيب آخرون بجروح جراء سيول جارفة اجتاحت بلدة وادي الغدير فجر الاثنين بعد أمطار غزيرة "
    "استمرت ساعات طويلة، وفق ما أعلنته فرق الدفاع المدني في المحافظة.\n"
    "وقال المتحدث باسم الدفاع المدني إن فرق الإنقاذ أجلت عشرات العائلات من منازلها في الأحياء المنخفضة القريبة من "
    "مجرى الوادي، وإن عمليات البحث عن المفقودين لا تزال مستمرة بمشاركة متطوعين من القرى المجاورة.\n"
    "وأضاف أن المياه جرفت عددا من السيارات وألحقت أضرارا كبيرة بالجسر القديم الذي يربط البلدة بالطريق الساحلي، "
    "مشيرا إلى أن التيار الكهربائي انقطع عن معظم الأحياء قبل أن يعاد جزئيا في ساعات الصباح.\n"
    "وفتحت السلطات المحلية مدرستين لإيواء المتضررين ودعت السكان إلى الابتعاد عن مجاري السيول حتى إشعار آخر."
)
#: Other hamza, a tatweel, other spaces: the same text to a reader.
FLOOD_RESET: Final = FLOOD.replace("أ", "ا").replace("سيول", "ســيول").replace("،", " ،")
FLOOD_EDITED: Final = FLOOD.replace("عشرات العائلات", "نحو ثلاثين عائلة").replace("مدرستين", "مركزين")
BRIDGE: Final = (
    "Engineers closed the Harrow Street bridge in Port Calder on Monday morning after a routine inspection found deep "
    "cracks in two of its main girders, cutting the busiest road between the old docks and the city centre.\n"
    "The chief engineer of the city said the cracks had not been visible during the previous inspection, and that an "
    "early closure was easier to explain than an accident on the way to school.\n"
    "Traffic is being sent along the ring road, where long queues were reported before breakfast, and the ferry "
    "company has added crossings for people on foot and on bicycles until further notice.\n"
    "The council expects temporary steel supports to be in place within days, while a complete repair will take until "
    "the end of the summer and may cost more than the budget for all roads together."
)
BRIDGE_EDITED: Final = BRIDGE.replace("on Monday morning", "at dawn").replace("deep cracks", "cracks")
BRIDGE_TEASER: Final = BRIDGE.split("\n")[0]
BRIDGE_REVISED: Final = (
    "The Harrow Street bridge will open again to cars on Friday, the council of Port Calder announced after welders "
    "had finished a row of steel supports below the damaged girders two weeks earlier than planned.\n"
    "Lorries and buses have to keep to the ring road for the time being, and the extra ferries will go on sailing."
)
HARVEST: Final = (
    "Farmers in the hills above Lake Miran began the olive harvest this week under clear skies and expect the richest "
    "crop in a decade, after a spring with steady rain and a summer without the usual plague of fruit flies.\n"
    "Presses in the valley have hired students for the night shift, and the cooperative has rented a second warehouse "
    "because its own tanks will be full before the last groves are picked.\n"
    "Buyers from the coast have already offered higher prices for oil that is pressed on the day of picking."
)

_WORDS: Final = {
    "en": (
        "harbour council river market engineer school bridge winter tunnel orchard museum ferry budget "
        "garden election teacher valley railway factory concert library island storm hospital judge "
        "farmer village minister tower festival painter glacier meadow printer captain senate bakery "
        "observatory quarry lighthouse"
    ),
    "ar": (
        "المدينة المجلس النهر السوق المهندس المدرسة الجسر الشتاء النفق البستان المتحف الميناء الميزانية "
        "الحديقة الانتخابات المعلم الوادي القطار المصنع الحفل المكتبة الجزيرة العاصفة المستشفى القاضي "
        "المزارع القرية الوزير البرج المهرجان الرسام الجبل المرج الطابعة القبطان البرلمان المخبز المرصد "
        "المحجر المنارة"
    ),
}
_LINKS: Final = {
    "en": ("the of and in after with that was has from said while before under new old"),
    "ar": ("في من على بعد إلى عن مع قال قبل التي الذي كانت وقد حول منذ خلال"),
}


def article(number: int, text: str, **fields: Any) -> dict[str, Any]:
    """A raw article; its number tells its URL and the minute in which it was fetched."""
    return {
        "url": f"https://paper.example/story/{number}",
        "title": f"Story {number}",
        "text": text,
        "fetched_at": f"2026-05-04T{number // 60 % 24:02d}:{number % 60:02d}:00Z",
        "source": {"name": "The Paper", "domain": "paper.example"},
        **fields,
    }


def takedown(number: int, **fields: Any) -> dict[str, Any]:
    """The takedown of the article with that number, an hour after the last one could be fetched."""
    return {
        "url": f"https://paper.example/story/{number}",
        "status": "canceled",
        "fetched_at": "2026-05-05T01:00:00Z",
        **fields,
    }


def dumps(value: Any) -> bytes:
    """JSON as a scraper would send it."""
    return orjson.dumps(value)


def fictional_text(chance: random.Random, language: str, *, sentences: int = 9) -> str:
    """A text that shares no passage with any other one."""
    words, links = _WORDS[language].split(), _LINKS[language].split()
    return "\n".join(
        " ".join(chance.choice(words if place % 3 else links) for place in range(chance.randint(9, 14))) + "."
        for _ in range(sentences)
    )


def edited(chance: random.Random, text: str, language: str) -> str:
    """The text with one word in about forty replaced."""
    words = text.split(" ")
    for _ in range(max(1, len(words) // 40)):
        words[chance.randrange(len(words))] = chance.choice(_WORDS[language].split())
    return " ".join(words)


def with_takedowns(articles: Sequence[dict[str, Any]], *, seed: int) -> list[dict[str, Any]]:
    """The same articles; one in six is followed by the takedown of one that came before."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    made: list[dict[str, Any]] = []
    for article in articles:
        made.append(article)
        if chance.random() < 1 / 6:
            earlier = chance.choice([event for event in made if "text" in event])
            kept = {name: earlier[name] for name in ("url", "tenant")}
            made.append({**kept, "status": "canceled", "fetched_at": article["fetched_at"]})
    return made


def fictional(count: int, *, seed: int, tenants: Sequence[str] = ("default",)) -> list[dict[str, Any]]:
    """Articles in two languages: originals, copies, edited copies and articles fetched again."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    made: list[dict[str, Any]] = []
    for number in range(count):
        kind = chance.choices(("original", "copy", "edited", "recrawl"), (5, 2, 2, 1))[0] if made else "original"
        if kind == "original":
            language, tenant = chance.choice(("ar", "en")), chance.choice(tenants)
            made.append(article(number, fictional_text(chance, language), language=language, tenant=tenant))
            continue
        earlier = chance.choice(made[-200:])
        kept = {name: earlier[name] for name in ("title", "text", "language", "tenant")}
        again = {**article(number, ""), **kept}
        if kind == "edited":
            again["text"] = edited(chance, earlier["text"], earlier["language"])
        if kind == "recrawl":
            again["url"] = earlier["url"]
        made.append(again)
    return made
