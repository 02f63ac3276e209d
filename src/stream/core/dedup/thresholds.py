"""The numbers that decide whether two texts are versions of each other.

They are one argument of `stream.core.dedup.rules.decide`, so that a replay or a sweep can try other values.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

from stream.core.dedup.fingerprint import FORMAT


@dataclass(frozen=True)
class Thresholds:
    """All thresholds of the duplicate decision. Shares and ratios are between 0 and 1, lengths are in tokens.

    The *required overlap* is how many tokens of the shorter text must also be in the longer one. Each penalty is added
    to the share of it; several penalties add up.

    >>> Thresholds().version == Thresholds(overlap_share_min=0.6).version
    False
    """

    #: Share of the shorter text that must be in the longer one (55 %), before penalties.
    #: A 300-word reprint must share 0.55 * 300 + 4 = 169 words with the original.
    overlap_share_min: float = 0.55
    #: Tokens that are required in addition to the share, so that short texts need a larger one.
    #: A 20-word note must share 0.55 * 20 + 4 = 15 words, which is 75 %.
    overlap_base_tokens: int = 4
    #: Penalty for a comparison that is less certain: the tokens are characters, which often agree by chance; or the
    #: earlier article is not the first one of its cluster; or the two were published far apart.
    #: Of a 100-character Chinese text, (0.55 + 0.05) * 100 + 4 = 64 characters must be shared.
    penalty_uncertain: float = 0.05
    #: Two articles published more than this many hours apart count as far apart. A morning paper prints what an agency
    #: reported the day before; what comes later is more likely the next report.
    #: Monday 06:00 and Tuesday 12:00 are 30 hours apart, so they are not far apart; at 12:01 they are.
    far_apart_hours: int = 30
    #: Below this ratio of lengths, the shorter text counts as much shorter, which costs one `penalty_per_link`.
    #: An 80-word teaser of a 400-word article has a ratio of 0.20: it must share (0.55 + 0.10) * 80 + 4 = 56 words.
    much_shorter_ratio: float = 0.30
    #: Penalty for each link between the earlier article and the first article of its cluster, so that chains of small
    #: changes end before they reach another text.
    #: For a link to an article two links away, (0.55 + 0.05 + 2 * 0.10) * 200 + 4 = 164 of 200 words must be shared.
    penalty_per_link: float = 0.10
    #: Penalty if neither text contains the opening of the other, for texts of similar length: probably boilerplate.
    #: Of 200 words, (0.55 + 0.08) * 200 + 4 = 130 must be shared.
    penalty_no_shared_opening_similar_length: float = 0.08
    #: The same if one text is much shorter than `near_copy_ratio_min` allows: probably items of a round-up.
    #: Of 100 words inside an article of 200, (0.55 + 0.10) * 100 + 4 = 69 must be shared.
    penalty_no_shared_opening_short: float = 0.10
    #: Penalty if each title has a word that only its own text contains: probably two messages in one template.
    #: Two 100-word cables, "Greetings to Westmark" and "Greetings to Lowland", must share (0.55 + 0.15) * 100 + 4 = 74.
    penalty_other_names: float = 0.15
    #: Added to `penalty_other_names` if the two articles are also far apart in time.
    #: Two days later, the cables must share (0.55 + 0.05 + 0.15 + 0.05) * 100 + 4 = 84 words.
    penalty_other_names_far_apart: float = 0.05
    #: The penalties for other names count for this many tokens at most: templates are short.
    #: For 240-word texts, the penalty is 0.15 * 120 / 240 = 0.075.
    other_names_tokens_max: int = 120
    #: This share is always enough, whatever the penalties add up to.
    #: A 200-word text that shares 190 words has the required overlap at any distance from the first article.
    overlap_share_max: float = 0.95
    #: Texts with fewer tokens are not compared: such a short run of words is in many texts.
    #: "Read the full story on our site" has 7 words, so it is never a near copy or an excerpt.
    tokens_min: int = 8
    #: One changed passage with a number is allowed in this many tokens: texts in one template differ in their numbers.
    #: A 120-word market report may have 120 // 50 = 2 changed passages with numbers.
    tokens_per_number_change: int = 50
    #: In texts from this length on, a number that was only moved does not count as changed.
    #: In a 150-word text, "12 percent more" rewritten as "up by 12 percent" changes no number.
    moved_numbers_tokens_min: int = 100
    #: Share of the different numbers that both texts must have, counted in the text with fewer of them.
    #: If the texts have 4 and 6 different numbers, they must share 2.
    shared_numbers_min: float = 0.50
    #: With this share of the shorter text in the longer one, the numbers need not be shared.
    #: A 100-word text with a single number, which was corrected, needs 90 shared words.
    nearly_all_share_min: float = 0.90
    #: From this ratio of lengths on, the link is a near copy; below it, an excerpt or an expansion.
    #: 120 of 200 words are a near copy, 119 are an excerpt.
    near_copy_ratio_min: float = 0.60
    #: Below this ratio, a longer text that does not begin like the earlier one is a round-up rather than an expansion.
    #: A 1,001-word text around a 200-word article is a round-up unless it begins like that article.
    expansion_ratio_min: float = 0.20
    #: Of texts with fewer tokens, the same text is a copy only if the titles are similar too.
    #: "Photos of the day" below two different titles is two articles.
    short_text_tokens: int = 12
    #: Of texts with fewer tokens, the same text at two URLs of one source is a notice if the titles are not similar: a
    #: consent wall, a paywall or a page that was not found.
    #: "This article is for subscribers only. Sign in to read on." below two headlines is two articles.
    notice_tokens: int = 60
    #: Of texts with fewer tokens, the same text at three URLs of one source under three different titles is a notice.
    #: A form to register, with a list of countries, has 160 words.
    repeated_notice_tokens: int = 400
    #: Jaccard similarity of two titles below which such a text is a notice.
    #: "Choir sings in hall" and "Cracks found in pier" share 1 of 7 words.
    notice_title_similarity_max: float = 0.25
    #: Share of a story's tokens that round-ups must have for it to count as quoted, rather than as boilerplate with an
    #: article of its own.
    #: Of a 200-word story in twelve round-ups, 160 words must be in them; it may have 40 words that no round-up has.
    quoted_share_min: float = 0.80
    #: In how many texts of other clusters a token must be to count as quoted, or as boilerplate.
    #: What one other article has besides a footer may be a quotation of the article above the footer.
    quotations_min: int = 2
    #: A round-up has this many tokens before and after the story that it quotes; boilerplate is at an end of the text.
    #: A 100-word disclaimer with a 12-word copyright line below it is boilerplate.
    quotation_margin_tokens: int = 20
    #: Jaccard similarity of two titles from which on they count as similar.
    #: "Harbour closed" and "Harbour closed today again" share 2 of 4 words, which is enough.
    title_similarity_min: float = 0.50

    @cached_property
    def version(self) -> str:
        """What is published as the version of a verdict: other thresholds or another format are another version."""
        return f"{FORMAT},{blake2b(repr(astuple(self)).encode(), digest_size=4).hexdigest()}"


DEFAULT_THRESHOLDS: Final = Thresholds()
