"""Distinguishes languages that share a script by the letters and words that one has and another does not.

A letter or word adds a weight to the score of a language: about the natural logarithm of how many times as often it
occurs in that language as in the others. The weights add up as in a naive Bayes classifier with a hand-written table.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from functools import cache
from typing import Final

Weights = dict[str, float]

#: The highest confidence that a rule gives.
CONFIDENCE_MAX: Final = 0.99

# Letters that Arabic does not have. Each counts once per text, since a keyboard or a foreign name may repeat one.
_LETTER_WEIGHTS: Final[dict[str, Weights]] = {
    "پچژگ": {"ar": -1.2, "ug": -0.2},
    "یک": {"ar": -1.0, "sd": -1.0, "ug": -2.0},
    "ے": {"ur": 3.0, "pnb": 3.0},
    "ہںٹڈڑ": {"ur": 2.5, "pnb": 2.5},
    "ھ": {"ur": 1.0, "pnb": 1.0, "sd": 1.0, "ug": 1.0, "ckb": 0.5},
    "ݨࣇ": {"pnb": 3.0},
    "ټډړږښګڼۍځڅ": {"ps": 3.0},
    "ې": {"ps": 2.0, "ug": 2.0},
    "ێڵڕ": {"ckb": 3.0},
    "ۆ": {"ckb": 2.0, "ug": 1.5},
    "ە": {"ckb": 2.0, "ug": 2.0},
    "ۇۈۋڭ": {"ug": 3.0},
    "ٽڊڏٿڀڳڱڻڄڃڇڦٺڍ۾۽": {"sd": 3.0},
    "ڪ": {"sd": 2.0},
    "\u200c": {"fa": 1.0, "ckb": 0.5, "ar": -1.0},  # zero-width non-joiner, as in می‌شود
}
_WORD_WEIGHTS: Final[dict[str, dict[float, str]]] = {
    "ar": {
        2.0: "في إلى الى عن أن التي الذي الذين هذا هذه مع خلال قد لم لن كان كانت يكون أو ثم حول عند منذ لدى إن أي"
        " ليس لا نحو عبر بعض يوم أمام تحت فوق وفي ومن بأن لها لهم فيها بها عليه عليها منها قال قالت وقال هل كيف لماذا",
        1.0: "من ما هو هي كما بين بعد قبل غير كل ان بن ابن عبد ضد حتى يا بلا دون اليوم ذلك تلك",
        0.5: "على له به",
        -0.5: "و",
    },
    "fa": {
        2.5: "از است برای نیست شود خواهد کنند کند دارد دارند کردند شدند باید نمی اند بازدید تهران",
        2.0: "در را این های هایی که به شد شده کرد کردن یک آن ای داد دهد شدن دادن گفت بود نیز دیگر درصد میلیون میلیارد"
        " نفر استان کشور چگونه چه چرا خبر هیچ زیر روی بیش پیش سازی گیری گذاری بزرگ",
        1.0: "با می تا بر اگر هم وی ها روز سال شهر نخستین پس هر جمهوری بازی دو سه چهار پنج هزار خود ما او دست کار"
        " جهان ایران مردم",
        0.5: "و من پر",
    },
    "ur": {
        2.5: "کے نے میں ہے ہیں اور سے کہ نہیں یہ وہ تھا تھے گیا گئے لیے لئے والے ہو ہوئے ہوا بھی",
        1.5: "کا کی کو اس ایک تک کر پر جو تھی گئی والی دیا کیا جا رہا رہی سکتا ان بعد",
        0.5: "و ایران سال ہزار وزیر",
    },
    "pnb": {3.0: "نوں وچ دیاں", 1.5: "دے دا دی تے ایہ نیں اے کیتا ہویا نال اوہ"},
    "ps": {
        2.5: "چې کې څخه دی ده شوي شوی وویل یې ته سره کړي کړی کړه لري دغه هغه په ولسمشر",
        1.5: "د دا وي افغانستان",
        0.7: "له او که به پر تر هم نه",
    },
    "ckb": {
        2.5: "لە بە بۆ کە ئەم ئەو دەکات لەگەڵ سەر کوردستان هەرێمی هەولێر دوای ناو نێوان زۆر بەڵام دەبێت هەموو",
        1.0: "و له به",
    },
    "sd": {2.5: "جو ۾ ۽ کي آهي آهن ٿو ٿي ڪيو ويو کان لاءِ سنڌ", 1.0: "جي جا سان تي ته هن اهو"},
    "ug": {2.5: "ۋە بىلەن بىر بۇ ئۇ ئۈچۈن بولغان ئۇيغۇر قىلدى دەپ كېيىن"},
}
# Text without any of these letters is hardly ever in a language that has them: the weight per letter of the text, and
# its limit.
_NO_LETTERS_WEIGHTS: Final = {"fa": (-0.03, -2.0), "ur": (-0.1, -4.0), "pnb": (-0.1, -4.0), "ps": (-0.08, -3.0),
                              "ckb": (-0.1, -4.0), "sd": (-0.06, -2.0), "ug": (-0.1, -4.0)}  # fmt: skip
# Only Uyghur has ى inside words.
_INNER_YEH: Final = re.compile("ى[\u0620-\u064a\u06d5]")
_INNER_YEH_WEIGHT: Final = 3.0
# The scores before any evidence: how much of the news is in each language.
_PRIOR: Final[Weights] = {"ar": 1.0, "fa": 0.5, "ur": 0.0, "pnb": -2.0, "ps": -0.5, "ckb": -0.5, "sd": -1.0, "ug": -1.0}
#: Primary languages that `classify_arabic_script` distinguishes.
ARABIC_SCRIPT_LANGUAGES: Final = frozenset(_PRIOR)
# In Arabic three words in ten begin with the article. In the other languages hardly any do, and hardly any end in ة.
_ARTICLE_PREFIXES: Final = ("ال", "وال", "بال", "لل", "فال", "کال", "ولل")
_ARTICLE_CHARS_MIN: Final = 4
_ARTICLE_WEIGHT: Final = 1.8
_NO_ARTICLE_WEIGHT: Final = -0.25
_TAA_WEIGHT: Final = 2.0
_HAMZA_WEIGHT: Final = 1.0
_TANWEEN_WEIGHT: Final = 1.0
_DEFICIT_MAX: Final = 12.0  # if Arabic is further behind, the shapes of words cannot change the result
_PRESENT_TENSE_WEIGHT: Final = 0.7  # verbs such as يعلن
_PLURAL_SUFFIXES: Final = ("های", "هایی")  # of Persian
_PLURAL_CHARS_MIN: Final = 5
_PLURAL_WEIGHT: Final = 2.0

_DISTINCTIVE_LETTER: Final = re.compile(f"[{''.join(_LETTER_WEIGHTS)}]")
_MARKS: Final = re.compile(r"[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]+")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Text with at least this many articles, one in at most so many letters, and no letter of another language is certainly
# Arabic.
_ARTICLES_MIN: Final = 2
_LETTERS_PER_ARTICLE_MAX: Final = 60


def classify_arabic_script(sample: str, letters: int) -> tuple[str, float]:
    """Return the language of a text with ``letters`` letters in Arabic script, and the confidence (0 to 1).

    >>> classify_arabic_script("کتاب جدید در بازار", 15)[0]
    'fa'
    """
    distinctive = set(_DISTINCTIVE_LETTER.findall(sample))
    articles = sample.count(" ال")
    if not distinctive and articles >= _ARTICLES_MIN and articles * _LETTERS_PER_ARTICLE_MAX > letters:
        return "ar", CONFIDENCE_MAX
    scores = dict(_PRIOR)
    _add_letters(scores, sample, distinctive, letters)
    _add_words(scores, _WORD.findall(_fold(sample)))
    return _most_likely(scores)


def _add_letters(scores: Weights, sample: str, distinctive: set[str], letters: int) -> None:
    letter_weights, _ = _weight_tables()
    for letter in distinctive:
        for language, weight in letter_weights[letter]:
            scores[language] += weight
    if not distinctive:
        for language, (per_letter, limit) in _NO_LETTERS_WEIGHTS.items():
            scores[language] += max(per_letter * letters, limit)
    if _INNER_YEH.search(sample):
        scores["ug"] += _INNER_YEH_WEIGHT
    if "ً" in sample:
        scores["ar"] += _TANWEEN_WEIGHT


def _add_words(scores: Weights, words: list[str]) -> None:
    _, word_weights = _weight_tables()
    for word in words:
        for language, weight in word_weights.get(word, ()):
            scores[language] += weight
    plurals = sum(word.endswith(_PLURAL_SUFFIXES) and len(word) >= _PLURAL_CHARS_MIN for word in words)
    scores["fa"] += _PLURAL_WEIGHT * plurals
    if scores["ar"] > max(scores.values()) - _DEFICIT_MAX:
        scores["ar"] += sum(map(_arabic_shape_weight, words))


def _arabic_shape_weight(word: str) -> float:
    weight = _NO_ARTICLE_WEIGHT
    if word.startswith(_ARTICLE_PREFIXES) and len(word) >= _ARTICLE_CHARS_MIN:
        weight = _ARTICLE_WEIGHT
    if word[-1] == "ة":
        weight += _TAA_WEIGHT
    if word[0] in "أإ" or word.endswith("اء"):
        weight += _HAMZA_WEIGHT
    elif word[0] == "ی" and len(word) >= _ARTICLE_CHARS_MIN:
        weight += _PRESENT_TENSE_WEIGHT
    return weight


def _most_likely(scores: Weights) -> tuple[str, float]:
    language = max(scores, key=scores.__getitem__)
    best = scores[language]
    return language, min(CONFIDENCE_MAX, 1 / sum(math.exp(score - best) for score in scores.values()))


def _fold(text: str) -> str:
    """Map the letters of the Arabic keyboard to those of the Persian one; drop marks and tatweel."""
    folded = text.replace("ي", "ی").replace("ى", "ی").replace("ك", "ک").replace("ـ", "")
    return _MARKS.sub("", folded)


@cache
def _weight_tables() -> tuple[dict[str, list[tuple[str, float]]], dict[str, list[tuple[str, float]]]]:
    letters = {letter: list(weights.items()) for group, weights in _LETTER_WEIGHTS.items() for letter in group}
    words: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for language, groups in _WORD_WEIGHTS.items():
        for weight, group in groups.items():
            for word in group.split():
                words[_fold(word)].append((language, weight))
    return letters, dict(words)


# Yiddish has digraphs and pointed vowels that Hebrew newspapers omit; the words are very common.
_YIDDISH: Final = re.compile(r"[װױײ]|א[ַָ]|פֿ|\b(?:און|איז|דער|פון|נישט|האט|האבן|וואס|זיך|אויף|מיט|ווי|צו)\b")
_HEBREW: Final = re.compile(r"\b(?:של|את|על|לא|עם|כי|הוא|היא|זה|גם|אל|בין|לאחר|אחרי|נגד)\b")
# Tigrinya has ኣ and the ቐ series where Amharic has አ and ቀ.
_TIGRINYA: Final = re.compile("[ኣቐ-ቝⶓ]|እዩ|ናይ |እቲ|ካብ ")
_AMHARIC: Final = re.compile("[አዓ]|ነው|ላይ|ውስጥ|እና ")
_ASSAMESE: Final = re.compile("[ৰৱ]")
_BENGALI: Final = re.compile("র")
# Characters in the simplified forms that only Japan has.
_JAPANESE: Final = re.compile(
    "[円駅売図広込働畑峠気沢価労団圧転覧験県実応関対帰歩戦発変権収庁総悪鉄続択浜辺桜竜剣検歳氷焼栄児拡読訳囲黒渋塩毎経済営様単両抜掲録払仏伝]"
)
# Japanese text of more than this many letters has kana.
_LETTERS_WITHOUT_KANA_MAX: Final = 30
_SHORT_TEXT_CONFIDENCE: Final = 0.8


def classify_hebrew_script(sample: str) -> str:
    """Return ``he`` (Hebrew) or ``yi`` (Yiddish)."""
    return "yi" if len(_YIDDISH.findall(sample)) > len(_HEBREW.findall(sample)) else "he"


def classify_ethiopic_script(sample: str) -> str:
    """Return ``am`` (Amharic) or ``ti`` (Tigrinya)."""
    return "ti" if len(_TIGRINYA.findall(sample)) > len(_AMHARIC.findall(sample)) else "am"


def classify_bengali_script(sample: str) -> str:
    """Return ``bn`` (Bengali) or ``as`` (Assamese)."""
    return "as" if len(_ASSAMESE.findall(sample)) > len(_BENGALI.findall(sample)) else "bn"


def classify_han_script(sample: str, letters: int) -> tuple[str, float]:
    """Return ``zh`` (Chinese), or ``ja`` for a Japanese headline without kana, and the confidence (0 to 1)."""
    if letters > _LETTERS_WITHOUT_KANA_MAX:
        return "zh", CONFIDENCE_MAX
    language = "ja" if _JAPANESE.search(sample) else "zh"
    return language, _SHORT_TEXT_CONFIDENCE if letters < _LETTERS_WITHOUT_KANA_MAX / 2 else CONFIDENCE_MAX
