"""What a new voice says first, so that it can be heard what becomes of it."""

from __future__ import annotations

from bark.audio.samples import Audio
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.voices import Voice

TEXTS = {  # some ten seconds each, with most of a language's sounds
    "en": (
        "The kitchen window was open, and a cold wind blew the papers off the table. We should have gone "
        "home before the rain began. Why did nobody think of the children? Seven small boats lay side by "
        "side in the harbour."
    ),
    "de": (
        "Das Küchenfenster stand offen, und ein kalter Wind blies die Blätter vom Tisch. Wir hätten vor dem "
        "Regen nach Hause gehen sollen. Warum hat niemand an die Kinder gedacht? Sieben kleine Boote lagen "
        "nebeneinander im Hafen."
    ),
    "es": (
        "La ventana de la cocina estaba abierta, y un viento frío se llevó los papeles de la mesa. "
        "Deberíamos haber vuelto a casa antes de la lluvia. ¿Por qué nadie pensó en los niños? Siete barcas "
        "pequeñas descansaban en el puerto."
    ),
    "fr": (
        "La fenêtre de la cuisine était ouverte, et un vent froid emportait les papiers de la table. Nous "
        "aurions dû rentrer avant la pluie. Pourquoi personne n'a-t-il pensé aux enfants ? Sept petits "
        "bateaux dormaient dans le port."
    ),
    "hi": (
        "रसोई की खिड़की खुली थी और ठंडी हवा ने मेज़ से काग़ज़ उड़ा दिए। हमें बारिश से पहले घर लौट जाना चाहिए "
        "था। किसी ने बच्चों के बारे में क्यों नहीं सोचा? बंदरगाह में सात छोटी नावें साथ-साथ खड़ी थीं।"
    ),
    "it": (
        "La finestra della cucina era aperta, e un vento freddo portò via i fogli dal tavolo. Saremmo dovuti "
        "tornare a casa prima della pioggia. Perché nessuno ha pensato ai bambini? Sette piccole barche "
        "dormivano nel porto."
    ),
    "ja": (
        "だいどころの まどが あいていて、つめたい かぜが つくえの かみを とばした。あめが ふるまえに いえに "
        "かえれば よかった。どうして だれも こどもたちのことを かんがえなかったのだろう。みなとには ちいさな "
        "ふねが ならんでいた。"
    ),
    "ko": (
        "부엌 창문이 열려 있었고, 찬 바람이 탁자 위의 종이를 날려 버렸다. 비가 오기 전에 집에 돌아갔어야 "
        "했다. 왜 아무도 아이들을 생각하지 않았을까? 항구에는 작은 배 일곱 척이 나란히 있었다."
    ),
    "pl": (
        "Okno w kuchni było otwarte i zimny wiatr zdmuchnął kartki ze stołu. Powinniśmy byli wrócić do domu "
        "przed deszczem. Dlaczego nikt nie pomyślał o dzieciach? Siedem małych łodzi stało obok siebie w "
        "porcie."
    ),
    "pt": (
        "A janela da cozinha estava aberta, e um vento frio levou os papéis da mesa. Devíamos ter voltado "
        "para casa antes da chuva. Por que ninguém pensou nas crianças? Sete barcos pequenos dormiam no "
        "porto."
    ),
    "ru": (
        "Окно на кухне было открыто, и холодный ветер сдул бумаги со стола. Нам надо было вернуться домой до "
        "дождя. Почему никто не подумал о детях? Семь маленьких лодок стояли рядом в гавани."
    ),
    "tr": (
        "Mutfağın penceresi açıktı ve soğuk bir rüzgâr kâğıtları masadan uçurdu. Yağmurdan önce eve "
        "dönmeliydik. Neden kimse çocukları düşünmedi? Limanda yan yana yedi küçük tekne duruyordu."
    ),
}


class Rehearsal:
    """Has voices say some sentences; see `bark.voices.create_voice`.

    Args:
        bark: that speaks.
        language: of the sentences, as a two-letter code; English where there are none in it.
    """

    def __init__(self, bark: Bark, language: str = "en") -> None:
        self._bark = bark
        self._text = TEXTS.get(language, TEXTS["en"])

    def __call__(self, voice: Voice) -> Audio:
        """Some ten seconds of it, [T]; the same voice always says them in the same way."""
        options = GenerateOptions(seed=0, best_of=1, retries=0)
        return self._bark.generate(self._text, voice, options=options).audio
