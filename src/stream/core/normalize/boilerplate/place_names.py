"""Place names in datelines, by language: capitals and cities with newsrooms."""

from __future__ import annotations

from functools import cache
from typing import Final

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate.phrases import split_phrases

PLACE_NAMES: Final = {
    "ar": """
        الرياض | جدة | مكة المكرمة | مكة | المدينة المنورة | الدمام | الخبر | الظهران | الأحساء | الجبيل | ينبع
        الطائف | تبوك | حائل | بريدة | القصيم | عنيزة | أبها | خميس مشيط | عسير | جازان | نجران | الباحة | الجوف
        سكاكا | عرعر | القريات | رفحاء | القطيف | حفر الباطن | الخفجي | بيشة | شقراء | الخرج | الزلفي | المجمعة
        الدوادمي | بلجرشي | القنفذة | محايل | صبيا | القاهرة | الإسكندرية | الجيزة | بيروت | طرابلس | دمشق | حلب
        حمص | عمّان | عمان | بغداد | البصرة | الموصل | أربيل | كركوك | صنعاء | عدن | تعز | الحديدة | مأرب | مسقط
        صلالة | الدوحة | المنامة | الكويت | أبوظبي | أبو ظبي | دبي | الشارقة | العين | القدس | القدس المحتلة
        رام الله | غزة | الخليل | نابلس | بيت لحم | الخرطوم | مقديشو | جيبوتي | نواكشوط | تونس | الجزائر | الرباط
        الدار البيضاء | مراكش | فاس | طنجة | بنغازي | الصخيرات | لندن | باريس | برلين | فيينا | جنيف | بروكسل | روما
        مدريد | برشلونة | أثينا | موسكو | كييف | أنقرة | إسطنبول | طهران | كابول | كابل | إسلام آباد | كراتشي
        لاهور | نيودلهي | دلهي | مومباي | دكا | بكين | شنغهاي | طوكيو | سيول | سيئول | بيونغ يانغ | هونغ كونغ
        سنغافورة | كوالالمبور | جاكرتا | بانكوك | مانيلا | سيدني | كانبيرا | واشنطن | نيويورك | أتلانتا | لوس أنجليس
        شيكاغو | أوتاوا | تورنتو | برازيليا | ريو دي جانيرو | بوينس آيرس | كراكاس | هافانا | مكسيكو | نيروبي
        أديس أبابا | أبوجا | لاغوس | بريتوريا | جوهانسبورغ
    """,
    "fa": """
        تهران | مشهد | اصفهان | شیراز | تبریز | قم | اهواز | کرج | رشت | کرمان | یزد | زاهدان | همدان | کرمانشاه
        ارومیه | اردبیل | گرگان | ساری | قزوین | اراک | یاسوج | بوشهر | بندرعباس | سنندج | خرم‌آباد | زنجان | سمنان
        بجنورد | بیرجند | ایلام | شهرکرد | کابل | هرات | لندن | پاریس | مسکو | واشنگتن | نیویورک
    """,
    "ur": """
        کراچی | لاہور | اسلام آباد | راولپنڈی | پشاور | کوئٹہ | ملتان | فیصل آباد | سیالکوٹ | گوجرانوالہ | حیدرآباد
        سکھر | مظفرآباد | گلگت | ممبئی | نئی دہلی | نئی دلی | دہلی | لکھنؤ | سری نگر | کولکتہ | بنگلور | چنئی
        ڈھاکہ | کابل | تہران | لندن | پیرس | برلن | ماسکو | واشنگٹن | نیویارک | نیو یارک | لاس اینجلس | ٹورنٹو
        سڈنی | میلبورن | دبئی | ابوظبی | ریاض | جدہ | مکہ مکرمہ | بیجنگ | ٹوکیو | کیلیفورنیا | سان فرانسسکو | زیورخ
        جنیوا | انقرہ | استنبول | ڈربن | کولاراڈو | بوسٹن | کوپن ہیگن
    """,
    "en": """
        London | Paris | Berlin | Rome | Madrid | Vienna | Geneva | Zurich | Brussels | Amsterdam | The Hague
        Dublin | Belfast | Edinburgh | Glasgow | Manchester | Liverpool | Birmingham | Lisbon | Athens | Warsaw
        Prague | Budapest | Bucharest | Sofia | Belgrade | Sarajevo | Zagreb | Kiev | Kyiv | Minsk | Moscow
        St. Petersburg | Stockholm | Oslo | Copenhagen | Helsinki | Frankfurt | Munich | Hamburg | Milan | Barcelona
        Istanbul | Ankara | Nicosia | Jerusalem | Tel Aviv | Gaza | Gaza City | Ramallah | Beirut | Damascus
        Aleppo | Amman | Baghdad | Basra | Mosul | Tehran | Riyadh | Jeddah | Mecca | Doha | Manama | Dubai
        Abu Dhabi | Muscat | Kuwait | Kuwait City | Sanaa | Aden | Cairo | Alexandria | Tripoli | Benghazi | Tunis
        Algiers | Rabat | Casablanca | Khartoum | Juba | Addis Ababa | Nairobi | Mogadishu | Kampala | Kigali
        Dar es Salaam | Lagos | Abuja | Accra | Dakar | Johannesburg | Cape Town | Pretoria | Harare | Lusaka
        Luanda | Kinshasa | Islamabad | Karachi | Lahore | Peshawar | Quetta | Kabul | Kandahar | New Delhi | Delhi
        Mumbai | Kolkata | Chennai | Bengaluru | Bangalore | Hyderabad | Lucknow | Patna | Jaipur | Ahmedabad
        Srinagar | Chandigarh | Dhaka | Colombo | Kathmandu | Yangon | Bangkok | Hanoi | Ho Chi Minh City
        Phnom Penh | Vientiane | Kuala Lumpur | Singapore | Jakarta | Manila | Beijing | Shanghai | Hong Kong
        Taipei | Tokyo | Osaka | Seoul | Pyongyang | Ulan Bator | Sydney | Melbourne | Canberra | Wellington
        Auckland | Washington | New York | Boston | Chicago | Los Angeles | San Francisco | Houston | Dallas
        Atlanta | Miami | Philadelphia | Detroit | Seattle | Denver | Toronto | Ottawa | Montreal | Vancouver
        Mexico City | Havana | Caracas | Bogota | Lima | Quito | Santiago | Buenos Aires | Montevideo | Brasilia
        Sao Paulo | Rio de Janeiro | La Paz | United Nations | Davos | Vatican City
    """,
}


@cache
def _folded_names() -> dict[str, frozenset[str]]:
    return {language: frozenset(map(fold_letters, split_phrases(names))) for language, names in PLACE_NAMES.items()}


def is_place_name(name: str) -> bool:
    """Whether ``name`` is in one of the lists after folding.

    >>> is_place_name("NEW YORK"), is_place_name("Garden")
    (True, False)
    """
    folded = fold_letters(name)
    return any(folded in names for names in _folded_names().values())


def is_place_name_in(language: str, name: str) -> bool:
    """Whether ``name`` is in the list of one language, since it may be an ordinary word of another.

    ``language``: a key of `PLACE_NAMES`.
    """
    return fold_letters(name) in _folded_names()[language]
