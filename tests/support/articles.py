"""Raw articles for tests: a few written ones, and any number of generated ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import orjson

from tests.support.article_generator import ArticleGenerator

FLOOD: Final = (
    "لقي أربعة أشخاص مصرعهم وأصيب آخرون بجروح جراء سيول جارفة اجتاحت بلدة وادي الغدير فجر الاثنين بعد أمطار غزيرة "
    "استمرت ساعات طويلة، وفق ما أعلنته فرق الدفاع المدني في المحافظة.\n"
    "وقال المتحدث باسم الدفاع المدني إن فرق الإنقاذ أجلت عشرات العائلات من منازلها في الأحياء المنخفضة القريبة من "
    "مجرى الوادي، وإن عمليات البحث عن المفقودين لا تزال مستمرة بمشاركة متطوعين من القرى المجاورة.\n"
    "وأضاف أن المياه جرفت عددا من السيارات وألحقت أضرارا كبيرة بالجسر القديم الذي يربط البلدة بالطريق الساحلي، "
    "مشيرا إلى أن التيار الكهربائي انقطع عن معظم الأحياء قبل أن يعاد جزئيا في ساعات الصباح.\n"
    "وفتحت السلطات المحلية مدرستين لإيواء المتضررين ودعت السكان إلى الابتعاد عن مجاري السيول حتى إشعار آخر."
)
#: Other hamzas, a tatweel and other spaces: readers see the same text.
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


def fetched_at(number: int) -> str:
    """The minute in which the article with that number was fetched."""
    return f"2026-05-04T{number // 60 % 24:02d}:{number % 60:02d}:00Z"


def article(number: int, text: str, **fields: Any) -> dict[str, Any]:
    """A raw article; its number determines its URL and the minute in which it was fetched."""
    return {
        "url": f"https://paper.example/story/{number}",
        "title": f"Story {number}",
        "text": text,
        "fetched_at": fetched_at(number),
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
    """Serialize to JSON as a scraper would."""
    return orjson.dumps(value)


def with_takedowns(articles: Sequence[dict[str, Any]], *, seed: int) -> list[dict[str, Any]]:
    """Return the same articles with a takedown of an earlier one after every sixth, on average."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    events: list[dict[str, Any]] = []
    for article in articles:
        events.append(article)
        if chance.random() < 1 / 6:
            earlier = chance.choice([event for event in events if "text" in event])
            takedown = {"url": earlier["url"], "tenant": earlier["tenant"], "status": "canceled"}
            events.append(takedown | {"fetched_at": article["fetched_at"]})
    return events


def generate_articles(count: int, *, seed: int, tenants: Sequence[str] = ("default",)) -> list[dict[str, Any]]:
    """Generate articles in two languages, fetched a minute apart: originals, copies, edits, revisions and recrawls."""
    generator = ArticleGenerator(seed, languages=("ar", "en"), tenants=tenants)
    return [generator.article() | {"fetched_at": fetched_at(number)} for number in range(count)]
