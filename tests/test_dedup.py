"""The duplicate decision: which relation follows from which texts, and what the verdict says about it."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.dedup import (
    CONTAINMENT_MIN,
    SHARED_MIN,
    VERSION,
    Candidates,
    Earlier,
    Subject,
    Verdict,
    compare,
    decide,
    new_cluster_id,
    shared_count,
)
from stream.events import DUPLICATE_RELATIONS
from stream.fingerprint import fingerprint

#: Six sentences a story, all invented, in scripts with and without spaces, from left and from right.
STORIES: Final[dict[str, tuple[str, ...]]] = {
    "Arabic": (
        "افتتحت بلدية مرسى الياسمين أمس جسرا جديدا يربط ضفتي الوادي بعد انتظار طويل من السكان.",
        "وقال رئيس البلدية إن المشروع سيخفف الازدحام عن السوق القديم ويقرب المدارس من الأحياء البعيدة.",
        "وأضاف المهندس المشرف أن العمال أنجزوا الأساسات رغم الفيضان الذي أوقف الأشغال في فصل الشتاء.",
        "وطالب أصحاب القوارب الصغيرة بتعويض عادل لأن الركاب لن يحتاجوا إلى العبور معهم كل صباح.",
        "من جهتها وعدت لجنة الصيادين بإنشاء مرسى سياحي يستقبل الزوار القادمين من القرى المجاورة للوادي.",
        "ويتوقع أن تنظم المدينة مهرجانا للأضواء فوق الجسر احتفالا بعودة الحركة إلى الضفة الشرقية المنسية.",
    ),
    "Latin": (
        "The harbour council of Port Amberley approved a tidal power station beneath its old stone pier.",
        "Engineers from two universities promised that dolphins and fishing boats would pass without any harm.",
        "Residents had protested for months because the first design would have closed their only swimming beach.",
        "A retired lighthouse keeper told reporters he never expected such a quiet ending to the quarrel.",
        "Construction begins after the winter storms, when the ferry company moves its berth to the north.",
        "The station should feed every home on the peninsula and sell whatever remains to the mainland.",
    ),
    "Cyrillic": (
        "В посёлке Светлый Бор открыли мастерскую, где подростки учатся чинить старые деревянные лодки.",
        "Идея принадлежит бывшему капитану, который вернулся домой после долгих лет работы на северных реках.",
        "Местные жители принесли инструменты, доски и даже парус, найденный на чердаке заброшенной школы.",
        "Первую лодку ребята назвали Чайкой и спустили на воду под аплодисменты всего посёлка.",
        "Осенью мастерская примет гостей из соседнего района и покажет им забытое ремесло смоления бортов.",
        "Капитан уверен, что скоро по реке снова пойдут суда, построенные руками здешних мастеров.",
    ),
    "Persian": (
        "شهرداری گل‌آباد کتابخانه‌ای سیار راه انداخت که هر هفته به روستاهای کوهستانی سر می‌زند.",
        "راننده این کتابخانه آموزگار بازنشسته‌ای است که سال‌ها آرزوی چنین سفری را در دل داشت.",
        "کودکان روستا پیش از رسیدن خودرو در میدان جمع می‌شوند و درباره داستان‌ها گفت‌وگو می‌کنند.",
        "انجمن زنان منطقه نیز قول داده است برای زمستان کتاب‌های آشپزی و باغبانی فراهم کند.",
        "به گفته مسئولان بسیاری از خانواده‌ها برای نخستین بار کارت عضویت کتابخانه گرفته‌اند و خوشحال‌اند.",
        "قرار است در بهار آینده قایقی نیز همین خدمت را به ساکنان کنار دریاچه برساند.",
    ),
    "Chinese": (
        "青岚镇昨天启用了一座用旧粮仓改建的天文台,吸引了附近村庄的许多孩子前来观看星空。",
        "设计师保留了原来的木梁和石墙,只在屋顶上开了一个可以转动的圆形窗口。",
        "退休的物理老师每个周末义务讲解行星的运行规律,并教大家自己动手磨制镜片。",
        "镇里的面馆老板说,夜里来看星星的客人让小街重新热闹了起来。",
        "文化站计划明年春天举办摄影比赛,优秀作品将挂在火车站的候车大厅里展出。",
        "村民们希望这座小小的天文台能够留住年轻人,也让外出的人愿意回到家乡看一看。",
    ),
    "Hindi": (
        "सोनपुर गाँव की महिलाओं ने मिलकर पुराने तालाब को साफ किया और उसके किनारे फलों के पेड़ लगाए।",
        "कई वर्षों से सूखा पड़ा यह तालाब अब फिर से पक्षियों और मछलियों का घर बन गया है।",
        "गाँव की मुखिया ने बताया कि शुरुआत में लोग इस काम पर हँसते थे और साथ नहीं देते थे।",
        "बाद में स्कूल के बच्चों ने मिट्टी ढोने के लिए अपनी छुट्टियाँ खुशी खुशी दे दीं।",
        "अब किसान इसी पानी से सब्जियाँ उगाते हैं और पास के बाजार में अच्छे दाम पर बेचते हैं।",
        "पड़ोसी गाँवों के लोग भी यह तरीका सीखने के लिए हर महीने यहाँ आने लगे हैं।",
    ),
    "Hebrew": (
        "תושבי השכונה הישנה בגבעת האלון הקימו גינה משותפת על גג החניון הנטוש שליד תחנת הרכבת.",
        "האדריכלית המקומית תרמה את התכניות והנגרים בנו ארגזי עץ גדולים לעגבניות ולתבלינים ריחניים.",
        "בתחילה חששו השכנים מרעש ומיתושים אך היום הם יורדים לשם עם הילדים כמעט בכל ערב.",
        "מנהל בית הספר הסמוך מעביר שם שיעורי טבע ומלמד את התלמידים לבנות תיבות קינון לציפורים.",
        "העירייה הבטיחה לממן מערכת השקיה חדשה אם התושבים ימשיכו לטפל בצמחים גם בחודשי הקיץ החמים.",
        "בסתיו מתוכנן יריד קטן שבו יימכרו ריבות ועוגיות והכנסותיו יוקדשו לשיפוץ המקלט הציבורי הישן.",
    ),
    "Thai": (
        "ชาวบ้านหมู่บ้านดอกแก้วร่วมกันซ่อมสะพานไม้เก่าที่ข้ามลำธารหลังน้ำป่าพัดเสียหายเมื่อฤดูฝนก่อน",
        "ครูใหญ่โรงเรียนประถมบอกว่าเด็กนักเรียนต้องเดินอ้อมภูเขาเป็นเวลานานกว่าจะถึงห้องเรียน",
        "ช่างไม้จากตำบลใกล้เคียงนำเครื่องมือมาช่วยโดยไม่คิดค่าแรงและสอนคนหนุ่มสาวไปพร้อมกัน",
        "แม่ครัวประจำวัดทำอาหารเลี้ยงทุกคนจนงานเสร็จก่อนกำหนดท่ามกลางเสียงหัวเราะ",
        "เจ้าอาวาสตั้งใจจะจัดงานบุญเล็กเล็กเพื่อขอบคุณผู้ที่บริจาคไม้และตะปูให้แก่ชุมชน",
        "ปีหน้าพวกเขาหวังจะปลูกต้นไผ่ริมฝั่งเพื่อกันดินไม่ให้พังลงไปในลำธารอีก",
    ),
}  # fmt: skip
SCRIPTS: Final = tuple(STORIES)


def subject(text: str, *, title: str | None = None, name: str = "later", url: str | None = None) -> Subject:
    return Subject(name, "default/xx", url or f"later.example/{name}", "later.example", fingerprint(text, title))


def earlier(text: str, *, title: str | None = None, offset: int = 0, revision: int = 1) -> Earlier:
    return Earlier(offset, f"earlier-{offset}", "earlier.example", f"{offset:032x}", revision, fingerprint(text, title))


def decide_similar(later: str, before: str, *, title: str | None = None, title_before: str | None = None) -> Verdict:
    """The verdict on ``later`` when all that is known is ``before``, from another address."""
    mine, other = subject(later, title=title), earlier(before, title=title_before)
    if mine.print.text_hash == other.print.text_hash:
        return decide(mine, Candidates(same_text=other))
    return decide(mine, Candidates(similar=[other]))


def story(script: str, *sentences: int) -> str:
    return "\n".join(STORIES[script][place] for place in sentences or range(6))


@pytest.mark.parametrize("script", SCRIPTS)
def test_same_text_at_another_address_is_a_copy(script: str) -> None:
    spaced = story(script).replace("\n", "  \n\n ").replace(".", " . ").replace("।", " । ")
    found = decide_similar(spaced, story(script)).duplicate
    assert (found.relation, found.method, found.is_duplicate) == ("copy", "same-text", True)
    assert (found.jaccard, found.containment) == (1.0, 1.0)


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_edited_reprint_is_a_near_copy(script: str) -> None:
    found = decide_similar(story(script, 0, 1, 2, 3, 4), story(script)).duplicate
    assert (found.relation, found.method, found.is_duplicate) == ("near_copy", "similar-text", True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_beginning_of_an_earlier_article_is_an_excerpt(script: str) -> None:
    found = decide_similar(story(script, 0, 1), story(script)).duplicate
    assert (found.relation, found.is_duplicate, found.duplicate_of) == ("excerpt", True, "earlier-0")
    assert found.containment == 1.0
    assert found.jaccard is not None
    assert found.jaccard < 0.5


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_article_behind_an_earlier_teaser_is_an_expansion_that_consumers_get(script: str) -> None:
    found = decide_similar(story(script), story(script, 0, 1)).duplicate
    assert (found.relation, found.is_duplicate, found.duplicate_of) == ("expansion", False, "earlier-0")


@pytest.mark.parametrize("script", SCRIPTS)
def test_one_shared_passage_does_not_make_a_copy(script: str) -> None:
    found = decide_similar(story(script, 0, 1, 2, 3), story(script, 3, 4, 5)).duplicate
    assert (found.relation, found.method) == ("new", "too-little-alike")
    assert found.duplicate_of is None
    assert found.containment is None


@pytest.mark.parametrize("script", SCRIPTS)
def test_other_stories_are_new(script: str) -> None:
    for other in SCRIPTS:
        if other != script:
            assert decide_similar(story(script), story(other)).duplicate.relation == "new"


FOLDED: Final = {
    "hamza and alef": ("إلى أين يذهب الأطفال أمام المدرسة", "الى اين يذهب الاطفال امام المدرسة"),
    "teh marbuta and yeh": ("المدينة القديمة على الضفة", "المدينه القديمه علي الضفه"),
    "harakat and tatweel": ("العَرَبِيَّة الجـــميلة", "العربية الجميلة"),
    "digits": ("حضر ٢٥٠ زائرا في ۱۲ يوما", "حضر 250 زائرا في 12 يوما"),
    "Persian and Arabic letters": ("کتاب یک", "كتاب يك"),
    "case, accents and quotes": ("«CAFÉ» “Zoë”", '"cafe" zoe'),
    "full width": ("\uff30\uff4f\uff52\uff54 \uff11\uff12", "port 12"),
}


@pytest.mark.parametrize("name", FOLDED)
def test_spelling_variants_are_the_same_text(name: str) -> None:
    one, other = FOLDED[name]
    filler = story("Arabic", 0, 1)
    found = decide_similar(f"{one}\n{filler}", f"{other}\n{filler}").duplicate
    assert (found.relation, found.jaccard) == ("copy", 1.0)


WEATHER = (
    "The weather office of the Amber Coast expects light winds and a calm sea. Port Amberley reaches {} degrees at "
    "noon and {} at night, Saltmere {} and {}, the hills {} and {}. Fishing boats may leave the harbours until "
    "midnight. The next report follows in the morning, with the tides for the whole week."
)
MARKET = (
    "أغلق مؤشر سوق الياسمين المالي جلسة اليوم عند {} نقطة، وبلغت قيمة التداول {} مليون وعدد الصفقات {} صفقة، وارتفعت "
    "أسهم {} شركة وانخفضت أسهم {} شركة. وقال متعاملون إن السوق تنتظر نتائج الشركات الكبرى قبل نهاية الفصل الحالي."
)
RESULTS = (
    "Результаты тура любительской лиги Светлого Бора: Чайка и Парус сыграли со счётом {}:{}, Маяк и Якорь {}:{}, "
    "Волна и Компас {}:{}. Следующий тур лиги пройдёт в выходные на поле у речного вокзала, вход свободный для всех."
)
TEMPLATES: Final = {
    "weather": (WEATHER, (31, 22, 33, 21, 28, 17), (35, 26, 36, 25, 30, 19)),
    "market": (MARKET, (11482, 613, 40218, 92, 71), (11397, 588, 38754, 55, 108)),
    "results": (RESULTS, (2, 1, 0, 3, 4, 5), (7, 6, 8, 9, 10, 11)),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_another_report_in_the_same_template_is_new(name: str) -> None:
    template, today, yesterday = TEMPLATES[name]
    found = decide_similar(template.format(*today), template.format(*yesterday)).duplicate
    assert (found.relation, found.method) == ("new", "too-little-alike")


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_same_report_with_a_new_beginning_is_a_near_copy(name: str) -> None:
    template, today, _ = TEMPLATES[name]
    report = template.format(*today)
    assert decide_similar(f"Updated by the editors. {report}", report).duplicate.relation == "near_copy"


def test_one_corrected_number_among_many_leaves_a_near_copy() -> None:
    numbers = [41, 52, 63, 74, 85, 96]
    corrected = [*numbers[:-1], 97]
    found = decide_similar(WEATHER.format(*corrected), WEATHER.format(*numbers))
    assert found.duplicate.relation == "near_copy"


@pytest.mark.parametrize(
    ("title", "title_before", "relation"),
    [
        ("Harbour closed", "Harbour closed", "copy"),
        ("Harbour closed today", "Harbour closed", "copy"),
        ("Harbour closed", "Museum reopens", "new"),
        (None, "Museum reopens", "copy"),
        ("Harbour closed", None, "copy"),
    ],
)
def test_a_short_text_is_told_apart_by_its_title(title: str | None, title_before: str | None, relation: str) -> None:
    text = "Read the whole story in tomorrow's edition."
    assert decide_similar(text, text, title=title, title_before=title_before).duplicate.relation == relation


def test_a_longer_text_is_a_copy_whatever_its_title() -> None:
    found = decide_similar(story("Latin"), story("Latin"), title="One", title_before="Another").duplicate
    assert (found.relation, found.title_similarity) == ("copy", 0.0)


def test_the_same_address_is_a_recrawl_or_a_revision_before_anything_else() -> None:
    old, copied = earlier(story("Latin"), offset=4, revision=3), earlier(story("Latin"), offset=2)
    again = decide(subject(story("Latin")), Candidates(same_address=old, same_text=copied))
    assert (again.duplicate.relation, again.revision, again.duplicate.duplicate_of) == ("recrawl", 3, "earlier-4")
    changed = decide(subject(story("Hindi")), Candidates(same_address=old, similar=[earlier(story("Hindi"))]))
    assert (changed.duplicate.relation, changed.revision) == ("revision", 4)
    assert (again.duplicate.is_duplicate, changed.duplicate.is_duplicate) == (True, False)
    assert {again.duplicate.method, changed.duplicate.method} == {"same-address"}


def test_nothing_known_is_new_and_begins_a_cluster() -> None:
    found = decide(subject(story("Latin")), Candidates())
    assert found.revision == 1
    assert (found.duplicate.relation, found.duplicate.method) == ("new", "nothing-alike")
    assert found.duplicate.cluster_id == new_cluster_id(subject(story("Latin")))
    assert (found.duplicate.jaccard, found.duplicate.same_source, found.duplicate.duplicate_of) == (None, None, None)


def test_copies_join_the_cluster_of_what_they_copy() -> None:
    before = earlier(story("Latin"), offset=7)
    for text in (story("Latin"), story("Latin", 0, 1), story("Latin", 0, 1, 2, 3, 4)):
        same_text = before if text == story("Latin") else None
        found = decide(subject(text), Candidates(same_text=same_text, similar=[before])).duplicate
        assert (found.cluster_id, found.duplicate_of) == (before.cluster_id, before.id)


def test_the_best_of_several_decides_and_the_first_of_equals() -> None:
    rough, good = earlier(story("Latin", 0, 1, 2, 3), offset=1), earlier(story("Latin"), offset=9)
    twin = dataclasses.replace(good, offset=5, id="earlier-5")
    mine = subject(story("Latin", 0, 1, 2, 3, 4))
    for order in ([rough, good, twin], [twin, good, rough], [good, rough, twin]):
        assert decide(mine, Candidates(similar=order)).duplicate.duplicate_of == "earlier-5"


@pytest.mark.parametrize(
    ("mine", "other", "same"), [("a.example", "a.example", True), ("a.example", "b.example", False), (None, "b", None)]
)
def test_same_source_is_told_where_both_sources_are_known(mine: str | None, other: str, same: bool | None) -> None:
    later = dataclasses.replace(subject(story("Latin")), source=mine)
    before = dataclasses.replace(earlier(story("Latin")), source=other)
    assert decide(later, Candidates(same_text=before)).duplicate.same_source is same


def test_too_few_shared_shingles_say_nothing() -> None:
    text = " ".join(f"word{chr(97 + place)}" for place in range(SHARED_MIN + 1))
    before = earlier(f"{text} {story('Latin')}")
    assert compare(subject(text), before).containment == 1.0
    assert decide(subject(text), Candidates(similar=[before])).duplicate.relation == "new"


def test_every_verdict_names_the_rules_that_made_it() -> None:
    assert decide(subject("one"), Candidates()).duplicate.version == VERSION
    assert f"c{CONTAINMENT_MIN:g}" in VERSION


def test_an_article_that_comes_back_rewritten_begins_another_cluster() -> None:
    assert new_cluster_id(subject("first text")) != new_cluster_id(subject("second text"))
    assert new_cluster_id(subject("first text")) != new_cluster_id(subject("first text", name="other"))
    assert len(bytes.fromhex(new_cluster_id(subject("first text")))) == 16


words = st.lists(st.sampled_from([*"abcdefghij", "10", "20", "30", "40"]), max_size=60).map(" ".join)
long_words = st.integers(0, 3000).map(lambda count: " ".join(f"w{place % 977}" for place in range(count)))
texts = words | long_words


@given(texts, texts)
def test_the_measures_are_symmetric_shares(one: str, other: str) -> None:
    there, back = compare(subject(one), earlier(other)), compare(subject(other), earlier(one))
    assert dataclasses.replace(there, is_longer=False) == dataclasses.replace(back, is_longer=False)
    assert not (there.is_longer and back.is_longer)
    for share in (there.jaccard, there.containment, there.length_ratio):
        assert 0 <= share <= 1
    assert there.jaccard <= there.containment


@given(texts)
def test_a_text_is_wholly_contained_in_itself(text: str) -> None:
    likeness = compare(subject(text), earlier(text))
    expected = 1.0 if text else 0.0
    assert (likeness.jaccard, likeness.containment, likeness.length_ratio) == (expected, expected, 1.0)


@given(st.sets(st.integers(0, 2**32 - 1)), st.sets(st.integers(0, 2**32 - 1)))
def test_shared_count_is_the_size_of_the_intersection(one: set[int], other: set[int]) -> None:
    mine, theirs = (np.array(sorted(values), dtype=np.uint32) for values in (one, other))
    assert shared_count(mine, theirs) == len(one & other)


@given(texts, st.lists(texts, max_size=5), st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_candidates(text: str, others: list[str], random: Random) -> None:
    similar = [earlier(other, offset=offset) for offset, other in enumerate(others)]
    shuffled = list(similar)
    random.shuffle(shuffled)
    verdict = decide(subject(text), Candidates(similar=similar))
    assert decide(subject(text), Candidates(similar=shuffled)) == verdict
    assert verdict.duplicate.is_duplicate == (verdict.duplicate.relation in DUPLICATE_RELATIONS)
