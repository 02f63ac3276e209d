"""The phrases of boilerplate: fix -> language -> phrases separated by bars.

Phrases are compared after folding, so case, punctuation and hamza make no difference.
"""

from __future__ import annotations

import re
from typing import Final

#: Lines that are boilerplate anywhere in a text: nobody writes them as a paragraph.
LINES: Final = {
    "share_links": {
        "ar": """
            شارك هذا الخبر | شارك الخبر | شارك المقال | شارك هذا المقال | شارك على فيسبوك | شارك عبر | مشاركة عبر
            انشر الخبر | شارك على تويتر | مشاركة على فيسبوك | مشاركة على تويتر | طباعة الخبر | أرسل لصديق
            ارسل إلى صديق | نسخ الرابط | نسخة للطباعة
        """,
        "fa": "اشتراک گذاری | به اشتراک بگذارید | اشتراک‌گذاری در تلگرام | ارسال به دوستان | نسخه چاپی | کپی لینک",
        "ur": "شیئر کریں: | شیئر کیجیے | فیس بک پر شیئر کریں | ٹوئٹر پر شیئر کریں | دوستوں سے شیئر کریں",
        "en": """
            Share this | Share this article | Share this story | Share this post | Share this page
            Share on Facebook | Share on Twitter | Share on WhatsApp | Share on LinkedIn | Share via email
            Tweet this | Email this article | Print this article | Print this page | Copy link
            Copy link to clipboard | Send to a friend | Save for later | Share Save
        """,
        "fr": """
            Partager cet article | Partager sur Facebook | Partager sur Twitter | Envoyer par e-mail
            Imprimer l'article | Copier le lien
        """,
        "de": """
            Artikel teilen | Diesen Artikel teilen | Auf Facebook teilen | Per E-Mail teilen | Artikel drucken
            Link kopieren
        """,
        "es": """
            Compartir en Facebook | Compartir en Twitter | Compartir este artículo | Enviar por correo
            Copiar enlace
        """,
        "pt": """
            Compartilhe esta notícia | Compartilhar no Facebook | Partilhar este artigo | Copiar link
            Enviar por e-mail
        """,
        "it": "Condividi questo articolo | Condividi su Facebook | Condividi su Twitter | Copia il link",
        "tr": "Facebook'ta paylaş | Twitter'da paylaş | Haberi paylaş | Bu haberi paylaş | Bağlantıyı kopyala",
        "ru": """
            Поделиться в Facebook | Поделиться ссылкой | Поделиться новостью | Поделиться: | Скопировать ссылку
            Распечатать
        """,
        "zh": "分享到微信 | 分享到微博 | 分享到朋友圈 | 分享到： | 分享到 | 扫一扫分享 | 复制链接 | 打印本文",
        "ja": "シェアする | ツイートする | この記事をシェア | この記事をシェアする | リンクをコピー",
        "hi": "शेयर करें | शेयर करें: | फेसबुक पर शेयर करें | इस खबर को शेयर करें",
        "he": "שתפו בפייסבוק | שתף בפייסבוק | שתפו את הכתבה | העתק קישור | שלח לחבר",
        "ko": "기사 공유하기 | 페이스북 공유 | 링크 복사 | 이 기사를 공유합니다",
        "sw": "Shiriki habari hii | Sambaza habari hii",
        "am": "ያጋሩ | አጋራ",
    },
    "comments": {
        "ar": """
            أضف تعليقا | أضف تعليق | أضف تعليقك | اترك تعليقا | اترك تعليقاً | اترك ردا | اترك رداً
            لا توجد تعليقات | لا يوجد تعليقات | التعليقات مغلقة | كتابة تعليق | إلغاء الرد
        """,
        "fa": "ارسال نظر | نظر شما | نظرات بینندگان | دیدگاه شما | ارسال دیدگاه | افزودن دیدگاه",
        "ur": "تبصرہ کریں | اپنی رائے دیں | تبصرے بند ہیں | اپنی رائے سے آگاہ کریں",
        "en": """
            Leave a comment | Leave a reply | Post a comment | Add a comment | No comments | No comments yet
            Comments are closed | View comments | Show comments | Join the conversation | Be the first to comment
            Cancel reply
        """,
        "fr": """
            Laisser un commentaire | Ajouter un commentaire | Aucun commentaire | Voir les commentaires
            Réagir à cet article
        """,
        "de": """
            Kommentar schreiben | Kommentar verfassen | Keine Kommentare | Kommentare anzeigen
            Schreiben Sie einen Kommentar
        """,
        "es": "Deja un comentario | Dejar un comentario | Deja una respuesta | Sin comentarios | Ver comentarios",
        "pt": "Deixe um comentário | Deixe uma resposta | Sem comentários | Ver comentários",
        "it": "Lascia un commento | Nessun commento | Vedi i commenti",
        "tr": "Yorum yap | Yorum yaz | Yorum ekle | Yorumları göster | Henüz yorum yok",
        "ru": """
            Оставить комментарий | Добавить комментарий | Комментариев нет | Нет комментариев | Показать комментарии
        """,
        "zh": "发表评论 | 我要评论 | 查看评论 | 暂无评论 | 点击加载更多 | 我要反馈",
        "ja": "コメントを書く | コメントする | コメントはまだありません",
        "hi": "टिप्पणी करें | अपनी टिप्पणी दें | कमेंट करें",
        "he": "הוסף תגובה | הוספת תגובה | כתבו תגובה | אין תגובות",
        "ko": "댓글 쓰기 | 댓글을 입력하세요 | 댓글쓰기",
    },
    "copyright": {
        "ar": """
            جميع الحقوق محفوظة | كافة الحقوق محفوظة | كل الحقوق محفوظة
            جميع الصور تنتمي إلى أصحاب حقوق الطبع والنشر | جميع المقالات المنشورة تمثل رأي كتابها فقط
            المقالات المنشورة تعبر عن رأي أصحابها | الآراء المنشورة تعبر عن رأي كاتبها
        """,
        "fa": "تمامی حقوق محفوظ است | کلیه حقوق محفوظ است | کلیه حقوق این سایت محفوظ است",
        "ur": "جملہ حقوق محفوظ ہیں | تمام حقوق محفوظ ہیں",
        "en": "All rights reserved | All images copyrighted | All images subject to copyright",
        "fr": "Tous droits réservés",
        "de": "Alle Rechte vorbehalten",
        "es": "Todos los derechos reservados",
        "pt": "Todos os direitos reservados",
        "it": "Tutti i diritti riservati | Riproduzione riservata | © RIPRODUZIONE RISERVATA",
        "tr": "Tüm hakları saklıdır",
        "ru": "Все права защищены",
        "zh": "版权所有 | 保留所有权利 | 版权所有 翻版必究 | 未经授权不得转载",
        "ja": "無断転載を禁じます | 無断転載禁止",
        "hi": "सर्वाधिकार सुरक्षित",
        "he": "כל הזכויות שמורות",
        "ko": "무단전재 및 재배포 금지",
        "sw": "Haki zote zimehifadhiwa",
    },
    "follow_calls": {
        "ar": """
            تابعونا على فيسبوك | تابعونا على تويتر | تابعنا على تويتر | تابعنا على فيسبوك | تابعونا على تلغرام
            تابعونا عبر | اشترك في النشرة البريدية | اشترك في نشرتنا الإخبارية | حمل التطبيق | حمل تطبيقنا
            انضم إلى قناتنا على تلغرام
            يمكنكم استلام إشعارات بأهم الموضوعات بعد تحميل أحدث نسخة من تطبيق بي بي سي عربي على هاتفكم المحمول
        """,
        "fa": "ما را در تلگرام دنبال کنید | به کانال ما بپیوندید | عضویت در خبرنامه",
        "ur": "ہمیں فالو کریں | ہمارا چینل سبسکرائب کریں",
        "en": """
            Follow us on Twitter | Follow us on Facebook | Follow us on social media | Subscribe to our newsletter
            Sign up for our newsletter | Sign up to our newsletter | Download our app | Get the app | Follow us
            Like us on Facebook | Follow Newsbeat on Twitter and YouTube
            Follow Newsbeat on Instagram, Facebook, Twitter and YouTube
            Listen to Newsbeat live at 12:45 and 17:45 weekdays - or listen back here
        """,
        "fr": """
            Abonnez-vous à notre newsletter | Suivez-nous sur Facebook | Suivez-nous sur Twitter
            Téléchargez notre application
        """,
        "de": """
            Folgen Sie uns auf Facebook | Folgen Sie uns auf Twitter | Newsletter abonnieren
            Jetzt Newsletter abonnieren
        """,
        "es": """
            Síguenos en Facebook | Síguenos en Twitter | Suscríbete a nuestro boletín
            Suscríbete a nuestra newsletter
        """,
        "pt": """
            Siga-nos no Facebook | Siga-nos no Twitter | Assine nossa newsletter | Receba as notícias no seu e-mail
        """,
        "it": "Seguici su Facebook | Seguici su Twitter | Iscriviti alla newsletter",
        "tr": "Bizi takip edin | Bültenimize abone olun",
        "ru": "Подписывайтесь на наш канал | Подпишитесь на рассылку | Подписаться на рассылку",
        "zh": """
            关注我们 | 扫描二维码关注 | 下载客户端 | 新浪科技公众号
            “掌”握科技鲜闻 （微信搜索techsina或扫描左侧二维码关注）
        """,
        "ja": "フォローする | メルマガ登録 | アプリをダウンロード",
        "hi": "हमें फॉलो करें | न्यूज़लेटर के लिए साइन अप करें",
        "he": "עקבו אחרינו בפייסבוק | הצטרפו לניוזלטר",
        "ko": "뉴스레터 구독하기 | 구독하기",
    },
    "photo_credits": {
        "": "Getty Images | AFP via Getty Images | Image caption",
    },
    "carousel": {
        "": """
            Next Previous | Previous Next | Prev Next | Loading... | View gallery | Hide caption | Toggle caption
            Image 1 of 2
        """,
        "ar": "التالي السابق | السابق التالي",
        "zh": "加载中 | 上一页 下一页",
        "de": "Bild vergrößern",
        "fr": "Chargement en cours",
    },
    "read_also": {
        "ar": "مقالات أخرى للكاتب",
        "en": "More from this author | More stories by this author",
    },
}
#: Lines of a word or two that are buttons at an edge of a text or next to boilerplate, and may be headings elsewhere.
BUTTONS: Final = {
    "share_links": {
        "ar": """
            شارك | شاركها | مشاركة | غرد | تغريد | طباعة | اطبع | إرسال | واتساب | فيسبوك | تويتر | تلغرام
            تيليجرام | إيميل | بريد إلكتروني
        """,
        "fa": "اشتراک | چاپ | تلگرام | توییتر | فیسبوک",
        "ur": "شیئر | فیس بک | ٹوئٹر | ٹوئیٹر | واٹس ایپ | پرنٹ",
        "en": """
            Share | Tweet | Print | Email | E-mail | Facebook | Twitter | WhatsApp | LinkedIn | Pinterest | Telegram
            Reddit | Messenger | X | Save | Bookmark | Copy | Pin | Flipboard | Pocket
        """,
        "fr": "Partager | Partagez | Imprimer | Envoyer | Tweeter",
        "de": "Teilen | Drucken | Twittern | Merken",
        "es": "Compartir | Imprimir | Tuitear | Enviar",
        "pt": "Compartilhar | Compartilhe | Partilhar | Imprimir",
        "it": "Condividi | Stampa | Invia",
        "tr": "Paylaş | Yazdır",
        "ru": "Поделиться | Твитнуть | Печать | ВКонтакте | Одноклассники",
        "zh": "分享 | 打印 | 收藏 | 微信 | 微博 | 转发",
        "ja": "シェア | ツイート | 印刷 | 共有",
        "hi": "शेयर | प्रिंट | फेसबुक | ट्विटर",
        "he": "שתף | שתפו | הדפס | שלח",
        "ko": "공유 | 인쇄 | 스크랩",
        "sw": "Sambaza",
    },
    "comments": {
        "ar": "تعليقات | التعليقات | تعليق",
        "en": "Comments | Comment | Reply",
        "fr": "Commentaires | Réagir",
        "de": "Kommentare",
        "es": "Comentarios",
        "pt": "Comentários",
        "it": "Commenti",
        "tr": "Yorumlar",
        "ru": "Комментарии",
        "zh": "评论",
        "ja": "コメント",
        "fa": "نظرات",
        "ur": "تبصرے",
        "hi": "टिप्पणियां",
        "he": "תגובות",
        "ko": "댓글",
    },
    "carousel": {
        "": "Next | Previous | Prev | Play | Pause",
        "ar": "التالي | السابق",
    },
    "read_also": {
        "ar": "المزيد | ...المزيد | اقرأ المزيد | إقرأ المزيد",
        "en": "More | More... | Read more | Continue reading | Show more | Load more",
        "fr": "Lire la suite",
        "de": "Mehr | Weiterlesen",
        "es": "Leer más",
        "pt": "Leia mais",
        "it": "Leggi tutto",
        "tr": "Devamını oku",
        "ru": "Читать далее | Далее",
        "zh": "更多 | 阅读全文 | 查看全文",
        "ja": "続きを読む | もっと見る",
        "fa": "ادامه مطلب | بیشتر",
        "hi": "और पढ़ें",
    },
}
#: Labels of advertising between paragraphs.
ADVERTISING: Final = {
    "en": """
        Advertisement | Advertisement - Continue reading below | Story continues below advertisement
        Article continues below advertisement | Sponsored content | Advertisment
    """,
    "ar": "إعلان | إعلانات | اعلان | إعلان ممول",
    "fa": "تبلیغات | آگهی",
    "ur": "اشتہار",
    "fr": "Publicité",
    "de": "Anzeige | Werbung",
    "es": "Publicidad",
    "pt": "Publicidade | Continua após a publicidade",
    "it": "Pubblicità",
    "tr": "Reklam | Haberin devamı",
    "ru": "Реклама",
    "zh": "广告",
    "ja": "広告 | PR",
    "hi": "विज्ञापन",
    "he": "פרסומת",
    "ko": "광고",
}
#: Markers that introduce headlines of other articles, on the same line after a colon or on the lines that follow.
READ_ALSO: Final = {
    "ar": """
        اقرأ أيضا | اقرأ أيضاً | إقرأ أيضا | إقرأ أيضاً | اقرأ كذلك | اقرأ المزيد | إقرأ المزيد | طالع أيضا
        شاهد أيضا | مواضيع ذات صلة | موضوعات ذات صلة | أخبار ذات صلة | مواضيع متعلقة | مقالات ذات صلة | قد يهمك أيضا
        قد يعجبك أيضا | اقرأ المزيد عن
    """,
    "fa": "بیشتر بخوانید | بیشتر بخوانید در | همچنین بخوانید | مطالب مرتبط | اخبار مرتبط | خبرهای مرتبط",
    "ur": """
        یہ بھی پڑھیں | یہ بھی پڑھیے | یہ بھی پڑھئے | یہ بھی پڑھیئے | مزید پڑھیں | مزید پڑھیے | اسی بارے میں
        اس بارے میں مزید پڑھیے | مزید خبریں | متعلقہ خبریں
    """,
    "en": """
        Read more | Also read | Read also | See also | Related | Related stories | Related articles | Related links
        Related news | Related coverage | You may also like | You might also like | You may also be interested in
        More on this story | Recommended for you | Read next | More on this topic | Watch also
    """,
    "fr": """
        Lire aussi | À lire aussi | A lire aussi | À lire également | Lire également | A regarder | À regarder
        Sur le même sujet | Vous pourriez aussi être intéressés par | Vous pourriez être intéressés par
        Vous pourriez être intéressé par | A lire aussi sur BBC Afrique
    """,
    "de": """
        Lesen Sie auch | Lesen Sie mehr | Mehr zum Thema | Auch interessant | Das könnte Sie auch interessieren
        Lesen Sie hier
    """,
    "es": """
        Lea también | Lee también | Leer también | Te puede interesar | Le puede interesar | Más información
        Noticias relacionadas | También te puede interesar
    """,
    "pt": "Leia também | Leia mais | Veja também | Saiba mais | Notícias relacionadas",
    "it": "Leggi anche | Leggi pure | Potrebbe interessarti | Articoli correlati",
    "tr": "Ayrıca okuyun | Bunları da okuyun | İlgili haberler | Şunlar da ilginizi çekebilir",
    "ru": "Читайте также | Читать также | Смотрите также | Материалы по теме | По теме | Также по теме",
    "uk": "Читайте також",
    "zh": "相关阅读 | 相关新闻 | 延伸阅读 | 推荐阅读 | 相关链接 | 更多阅读 | 热门推荐 | 相關新聞 | 延伸閱讀",
    "ja": "関連記事 | あわせて読みたい | こちらもおすすめ | 合わせて読みたい",
    "hi": "यह भी पढ़ें | ये भी पढ़ें | इसे भी पढ़ें | और पढ़ें | संबंधित खबरें",
    "he": "קראו גם | קרא גם | כתבות נוספות | עוד בנושא",
    "ko": "관련기사 | 관련 기사 | 추천기사",
    "sw": "Soma pia | Soma zaidi | Unaweza pia kusoma",
    "id": "Baca juga | Baca selengkapnya",
    "am": "ተጨማሪ ያንብቡ",
}
#: Nouns of counters, all for the fix `counters`: "12 comments", «٣ تعليقات», "Views: 1,204".
COUNTED: Final = {
    "comments": {
        "ar": "تعليق | تعليقا | تعليقات | التعليقات | عدد التعليقات",
        "fa": "نظر | نظرات | دیدگاه",
        "ur": "تبصرے | تبصرہ",
        "en": "comment | comments",
        "fr": "commentaire | commentaires",
        "de": "Kommentar | Kommentare",
        "es": "comentario | comentarios",
        "pt": "comentário | comentários",
        "it": "commento | commenti",
        "tr": "yorum",
        "ru": "комментарий | комментария | комментариев",
        "zh": "条评论 | 评论",
        "ja": "件のコメント | コメント",
        "hi": "टिप्पणियां",
        "he": "תגובות",
        "ko": "댓글",
    },
    "views": {
        "ar": "مشاهدة | مشاهدات | عدد المشاهدات | المشاهدات | عدد القراءات | قراءة | زيارة | عدد الزيارات",
        "fa": "بازدید | تعداد بازدید",
        "en": "views | Total views | Post views | reads",
        "fr": "vues | partages",
        "es": "vistas | visitas",
        "pt": "visualizações",
        "tr": "okunma | görüntülenme",
        "ru": "просмотров | Просмотров",
        "zh": "次阅读 | 阅读 | 浏览次数 | 阅读量",
        "ja": "回視聴",
        "de": "Aufrufe",
    },
}
#: Beginnings of short lines that are boilerplate: no paragraph starts with these words.
STARTS: Final = {
    "copyright": """
        جميع الحقوق محفوظة | كافة الحقوق محفوظة | حقوق النشر محفوظة | حقوق الطبع محفوظة | All rights reserved
        Tous droits réservés | Alle Rechte vorbehalten | Todos los derechos reservados | Все права защищены
        版权所有 | This material may not be published
    """,
    "contact_lines": "لمراسلة الكاتب | لمراسلة الكاتبة | تواصل مع الكاتب | بريد الكاتب",
    "photo_credits": """
        تصویر کے کاپی رائٹ | Image copyright | Image source | Photo credit | Photo courtesy | مصدر الصورة
    """,
    "source_link": "رابط الخبر بصحيفة",
    "publication_notes": "یہ خبر ڈان اخبار میں | cnnurdu نے",
    "tag_lines": """
        كلمات مفتاحية | الكلمات المفتاحية | كلمات دلالية | الكلمات الدلالية | Tags: | Filed under | Mots-clés :
        Etiquetas: | Schlagwörter: | Теги: | برچسب‌ها: | 标签： | 关键词 :
    """,
}


_PHRASE_SEPARATOR: Final = re.compile(r"\s+\|\s+|\n")


def split_phrases(entry: str) -> list[str]:
    """Return the phrases of an entry, which are separated by bars or line breaks.

    >>> split_phrases("Share | Print")
    ['Share', 'Print']
    """
    return [phrase.strip() for phrase in _PHRASE_SEPARATOR.split(entry) if phrase.strip()]
