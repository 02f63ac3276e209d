"""Seeds of the mutations: messages and pages about invented people and places, and strings that confuse parsers."""

from __future__ import annotations

from typing import Final

import orjson

_TEXT: Final = (
    "VELMORA, 4 May (Nordpress) - The harbour stays closed until the inquiry ends, said the mayor, Ines Caldor.\n"
    "“We lost 12,500 crates,” she added… and the (old) quay was built in 1931. Read also: Bridges of Velmora\n"
)
_ARABIC: Final = (
    "نارينا (واس) - قالت بلدية نارينا، اليوم الإثنين: إن «الجسر القديم» سيبقى مغلقًا حتى نهاية الشهر .\n"
    "وأضافت ليلى سالم أن الأعمال تكلف ١٢٫٥ مليون، و\u200fتستمر\u200e ثلاثة أشـــهر..."
)
_ARTICLE: Final = {
    "url": "https://www.velmora.example/news/1?utm_source=x#a",
    "id": "v-1",
    "title": "Harbour closed | Velmora Times",
    "text": _TEXT,
    "summary": "The &quot;harbour&quot; is closed.",
    "language": "en-GB",
    "published_at": "2026-05-04T06:00:00+02:00",
    "modified_at": "4 May 2026, 7:15 pm",
    "fetched_at": 1_780_000_000,
    "authors": ["By Ines Caldor", "Tom Reyk and Ada Quill"],
    "source": {"name": "Velmora Times", "domain": "WWW.velmora.example"},
    "section": "Harbour",
    "tags": ["sea", "trade"],
    "tenant": "t-1",
    "status": "usable",
    "extra": {"views": [1, {"a": None}]},
}
_NEWS: Final = (
    "<!doctype html><html lang=en><head><title>Harbour closed - Velmora</title>"
    "<meta property='og:title' "
    "content='Harbour closed'><meta name=author content='By Ines Caldor, Tom Reyk'><link rel=canonical href='/news/1'>"
    '<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","headline":"Harbour closed",'
    '"datePublished":"2026-05-04","author":{"@id":"#a"},"articleBody":"x"},{"@id":"#a","name":"Ines Caldor"}]}'
    f"</script></head><body><nav><a href=/>Home</a></nav><article><h1>Harbour</h1><p>{_TEXT}</p>"
    "<div class='share related'><a href=x>Bridges of Velmora</a></div><time datetime=2026-05-04>4 May</time>"
    f"<blockquote><p>{_TEXT}</p></blockquote></article><footer>x</footer></body></html>"
)
PAGES: Final[tuple[bytes, ...]] = tuple(
    page.encode()
    for page in (
        _NEWS,
        f"<div dir=rtl><p>{_ARABIC}</p><br>{_ARABIC}<ul><li><a href=x>الجسر</a></li></ul></div>",
        "<table><tr><td>1<td>2</table><pre>a\n\n b</pre><svg><title>x</title><g></svg><math><mi>x</math>",
        "<b>one<p>two</b>three<i><a href=x>four<a href=y>five</i><template><p>x</template><select><option>y",
        f"{_TEXT}&amp;&#1575;&lt;b&gt;&nbsp;&unknown;&#xD800;&#0;<![CDATA[x]]><!-- <p> --><script>a<b</script>",
    )
)
MESSAGES: Final[tuple[bytes, ...]] = (
    orjson.dumps(_ARTICLE),
    orjson.dumps([_ARTICLE, {"id": "v-2", "text": _ARABIC, "language": "ar"}, {"id": "v-1", "text": _TEXT}]),
    orjson.dumps({"url": "http://xn--mgbh0fb.example/خبر?id=7", "text": _ARABIC, "tags": ["بحر"]}),
    orjson.dumps({"id": "v-1", "status": "canceled"}),
    orjson.dumps({"specversion": "1.0", "id": "e", "source": "/s", "type": "t", "data": _ARTICLE}) + b" ",
    *(orjson.dumps({"id": f"p-{number}", "html": page.decode()}) for number, page in enumerate(PAGES)),
)
PIECES: Final[tuple[bytes, ...]] = tuple(
    piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")
    for piece in (
        *'"{}[],:\\<>/&;=!-#|@%? \n\t',
        *("null", "true", "-1", "1e400", "99999999999999999999", "\\ud800", "\\u0000", "\\u2028", '""', "[]", "{}"),
        *('"text":', '"html":', '"id":', '"url":', '"published_at":', '"extra":', '"source":', '"authors":', '"tags":'),
        *("<p>", "</p>", "<div class=ad>", "</div>", "<b>", "</b>", "<a href=x>", "<table>", "<td>", "<svg>", "<!--"),
        *("-->", "<script>", "</script>", "<br>", "<pre>", "<li>", "<body a=1>", "<template>", "<![CDATA[", "]]>"),
        *("<meta name=author content=", "<link rel=canonical href=", "<time datetime=", "<span itemprop=author>"),
        *("&amp;", "&#1575;", "&#x110000;", "&lt;", "&unknown", "http://[::1", "https://a.example", "://", "%zz"),
        *("\u0301", "\u200f", "\u202e", "\u00ad", "\ufeff", "\ufdfa", "ـ", "،", "«", "»", "٣", "\U0001f30d", "\ud800"),
        *(" - ", "By ", "(AP) ", "بقلم ", "2026-05-04", "4 May", "١٢ مارس", "اقرأ أيضا: ", "...", "Ø§Ù„", "ÇáÎ", "’"),
        *(b"\xff", b"\x00", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf"),
    )
)
