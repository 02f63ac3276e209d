"""Languages that share a script, told apart by letters and words that one of them has and another has not.

Each piece of evidence is worth about the logarithm of how many times as often it is met in the one language as in the
others; what is worth something adds up, as in a naive Bayes classifier with a hand-written table.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from functools import cache
from typing import Final

Weights = dict[str, float]

#: What no rule here is surer of.
CONFIDENCE_MAX: Final = 0.99

# Letters that Arabic has not, each counted once a text: a keyboard or a foreign name brings one of them many times.
_LETTERS: Final[dict[str, Weights]] = {
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
    "\u200c": {"fa": 1.0, "ckb": 0.5, "ar": -1.0},  # the zero-width non-joiner of می‌شود
}
_WORDS: Final[dict[str, dict[float, str]]] = {
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
# Text without any of these letters is hardly ever in a language that has them: so much for each letter seen, at most.
_NONE_SHOWN: Final = {"fa": (-0.03, -2.0), "ur": (-0.1, -4.0), "pnb": (-0.1, -4.0), "ps": (-0.08, -3.0),
                      "ckb": (-0.1, -4.0), "sd": (-0.06, -2.0), "ug": (-0.1, -4.0)}  # fmt: skip
# Uyghur writes ى inside words too.
_INNER_YEH: Final = re.compile("ى[\u0620-\u064a\u06d5]")
_INNER_YEH_WEIGHT: Final = 3.0
# Before any evidence: how much of what arrives is in each.
_PRIOR: Final[Weights] = {"ar": 1.0, "fa": 0.5, "ur": 0.0, "pnb": -2.0, "ps": -0.5, "ckb": -0.5, "sd": -1.0, "ug": -1.0}
#: Primary languages that `arabic_script` tells.
ARABIC_SCRIPT: Final = frozenset(_PRIOR)
# Three words of ten in Arabic carry the article, and hardly any in the others; a final ة is next to unknown to them.
_ARTICLE: Final = ("ال", "وال", "بال", "لل", "فال", "کال", "ولل")
_ARTICLE_CHARS_MIN: Final = 4
_ARTICLE_WEIGHT: Final = 1.8
_NO_ARTICLE_WEIGHT: Final = -0.25
_TAA_WEIGHT: Final = 2.0
_HAMZA_WEIGHT: Final = 1.0
_TANWEEN_WEIGHT: Final = 1.0
_HOPELESS: Final = 12.0  # so far behind, shapes of words change nothing
_PRESENT_WEIGHT: Final = 0.7  # verbs such as يعلن
_PLURAL: Final = ("های", "هایی")
_PLURAL_CHARS_MIN: Final = 5
_PLURAL_WEIGHT: Final = 2.0

_SHOWN: Final = re.compile(f"[{''.join(_LETTERS)}]")
_MARKS: Final = re.compile(r"[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]+")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Text in Arabic with this many articles, one in so many letters, and no letter of another language needs no count.
_PLAIN_ARTICLES_MIN: Final = 2
_PLAIN_LETTERS_MAX: Final = 60


def arabic_script(sample: str, letters: int) -> tuple[str, float]:
    """The language of a text of so many letters in Arabic script, and how sure that is (0 to 1)."""
    shown = set(_SHOWN.findall(sample))
    articles = sample.count(" ال")
    if not shown and articles >= _PLAIN_ARTICLES_MIN and articles * _PLAIN_LETTERS_MAX > letters:
        return "ar", CONFIDENCE_MAX
    scores = dict(_PRIOR)
    _weigh_letters(scores, sample, shown, letters)
    _weigh_words(scores, _WORD.findall(_folded(sample)))
    return _best(scores)


def _weigh_letters(scores: Weights, sample: str, shown: set[str], letters: int) -> None:
    worth, _ = _tables()
    for letter in shown:
        for language, weight in worth[letter]:
            scores[language] += weight
    if not shown:
        for language, (each, most) in _NONE_SHOWN.items():
            scores[language] += max(each * letters, most)
    if _INNER_YEH.search(sample):
        scores["ug"] += _INNER_YEH_WEIGHT
    if "ً" in sample:
        scores["ar"] += _TANWEEN_WEIGHT


def _weigh_words(scores: Weights, words: list[str]) -> None:
    _, worth = _tables()
    for word in words:
        for language, weight in worth.get(word, ()):
            scores[language] += weight
    scores["fa"] += _PLURAL_WEIGHT * sum(word.endswith(_PLURAL) and len(word) >= _PLURAL_CHARS_MIN for word in words)
    if scores["ar"] > max(scores.values()) - _HOPELESS:
        scores["ar"] += sum(map(_arabic_shape, words))


def _arabic_shape(word: str) -> float:
    weight = _NO_ARTICLE_WEIGHT
    if word.startswith(_ARTICLE) and len(word) >= _ARTICLE_CHARS_MIN:
        weight = _ARTICLE_WEIGHT
    if word[-1] == "ة":
        weight += _TAA_WEIGHT
    if word[0] in "أإ" or word.endswith("اء"):
        weight += _HAMZA_WEIGHT
    elif word[0] == "ی" and len(word) >= _ARTICLE_CHARS_MIN:
        weight += _PRESENT_WEIGHT
    return weight


def _best(scores: Weights) -> tuple[str, float]:
    language = max(scores, key=scores.__getitem__)
    top = scores[language]
    return language, min(CONFIDENCE_MAX, 1 / sum(math.exp(score - top) for score in scores.values()))


def _folded(text: str) -> str:
    """The Arabic and the Persian keyboard's letters as one, without marks and joining strokes."""
    folded = text.replace("ي", "ی").replace("ى", "ی").replace("ك", "ک").replace("ـ", "")
    return _MARKS.sub("", folded)


@cache
def _tables() -> tuple[dict[str, list[tuple[str, float]]], dict[str, list[tuple[str, float]]]]:
    letters = {letter: list(weights.items()) for group, weights in _LETTERS.items() for letter in group}
    words: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for language, groups in _WORDS.items():
        for weight, group in groups.items():
            for word in group.split():
                words[_folded(word)].append((language, weight))
    return letters, dict(words)


# Yiddish has digraphs and pointed vowels that Hebrew newspapers leave out; these words are in every sentence.
_YIDDISH: Final = re.compile(r"[װױײ]|א[ַָ]|פֿ|\b(?:און|איז|דער|פון|נישט|האט|האבן|וואס|זיך|אויף|מיט|ווי|צו)\b")
_HEBREW: Final = re.compile(r"\b(?:של|את|על|לא|עם|כי|הוא|היא|זה|גם|אל|בין|לאחר|אחרי|נגד)\b")
# Tigrinya writes ኣ and the ቐ series where Amharic has አ and ቀ.
_TIGRINYA: Final = re.compile("[ኣቐ-ቝⶓ]|እዩ|ናይ |እቲ|ካብ ")
_AMHARIC: Final = re.compile("[አዓ]|ነው|ላይ|ውስጥ|እና ")
_ASSAMESE: Final = re.compile("[ৰৱ]")
_BENGALI: Final = re.compile("র")
# Characters as Japan has simplified them, and no one else.
_JAPANESE: Final = re.compile(
    "[円駅売図広込働畑峠気沢価労団圧転覧験県実応関対帰歩戦発変権収庁総悪鉄続択浜辺桜竜剣検歳氷焼栄児拡読訳囲黒渋塩毎経済営様単両抜掲録払仏伝]"
)
_KANA_COMES_WITHIN: Final = 30
_SHORT: Final = 0.8


def hebrew_script(sample: str) -> str:
    """Hebrew or Yiddish."""
    return "yi" if len(_YIDDISH.findall(sample)) > len(_HEBREW.findall(sample)) else "he"


def ethiopic_script(sample: str) -> str:
    """Amharic or Tigrinya."""
    return "ti" if len(_TIGRINYA.findall(sample)) > len(_AMHARIC.findall(sample)) else "am"


def bengali_script(sample: str) -> str:
    """Bengali or Assamese."""
    return "as" if len(_ASSAMESE.findall(sample)) > len(_BENGALI.findall(sample)) else "bn"


def chinese_characters(sample: str, letters: int) -> tuple[str, float]:
    """Chinese, or a Japanese headline without kana, and how sure that is at most."""
    if letters > _KANA_COMES_WITHIN:
        return "zh", CONFIDENCE_MAX
    return ("ja" if _JAPANESE.search(sample) else "zh"), _SHORT if letters < _KANA_COMES_WITHIN / 2 else CONFIDENCE_MAX
