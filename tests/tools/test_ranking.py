"""Ranking: the passage that answers is first, in every script."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.tools.ranking import Bm25, query_terms, rank_passages, split_passages, split_sentences, tokenize
from safelight.tools.source import Document

SUBJECTS = {
    "en": (
        "How are vaccines made?",
        "Making a vaccine begins with a weakened virus that is grown in cell culture and then purified.",
        "The Eiffel Tower is 330 metres tall and stands in Paris, where it was built for a fair.",
    ),
    "de": (
        "Wie entsteht ein Impfstoff?",
        "Ein Impfstoff entsteht aus abgeschwächten Erregern, die in Zellkulturen vermehrt werden.",
        "Der Eiffelturm ist 330 Meter hoch und steht in Paris, wo er für eine Messe gebaut wurde.",
    ),
    "ru": (
        "Как делают вакцины?",
        "Вакцина изготавливается из ослабленного вируса, который выращивают в культуре клеток.",
        "Эйфелева башня имеет высоту 330 метров и стоит в Париже.",
    ),
    "ja": (
        "ワクチンはどう作られますか",
        "ワクチンは弱毒化したウイルスを培養して作られます。その後、精製されます。",
        "エッフェル塔はパリにあり、高さは330メートルです。",
    ),
    "zh": ("疫苗是如何制造的", "疫苗是用减毒的病毒在细胞中培养制造的。", "埃菲尔铁塔位于巴黎，高三百三十米。"),
    "ko": (
        "백신은 어떻게 만들어지나요",
        "백신은 약독화된 바이러스를 배양하여 만들어집니다.",
        "에펠탑은 파리에 있으며 높이는 330미터입니다.",
    ),
    "ar": (
        "كيف يصنع اللقاح",
        "يُصْنَع اللقاح من فيروس مُضعف يُزرع في الخلايا ثم يُنقى.",
        "يبلغ ارتفاع برج إيفل ثلاثمائة وثلاثين مترا ويقع في باريس.",
    ),
    "hi": (
        "टीका कैसे बनता है",
        "टीका कमज़ोर वायरस से बनता है और फिर शुद्ध किया जाता है।",
        "एफिल टॉवर पेरिस में है और 330 मीटर ऊँचा है।",
    ),
    "th": ("วัคซีนทำอย่างไร", "วัคซีนทำจากไวรัสที่อ่อนแอและเลี้ยงในเซลล์", "หอไอเฟลอยู่ในกรุงปารีสและสูง 330 เมตร"),
    "el": (
        "Πώς παρασκευάζονται τα εμβόλια",
        "Το εμβόλιο παρασκευάζεται από εξασθενημένο ιό.",
        "Ο Πύργος του Άιφελ βρίσκεται στο Παρίσι.",
    ),
}


def document(text: str, title: str = "", url: str = "u") -> Document:
    return Document(title=title, url=url, text=text)


@pytest.mark.parametrize("language", SUBJECTS)
def test_the_passage_that_answers_is_first(language: str) -> None:
    query, right, wrong = SUBJECTS[language]
    ranked = rank_passages(query, [document(wrong, url="wrong"), document(right, url="right")])
    assert ranked[0].url == "right"
    assert ranked[0].text
    assert all(passage.score > 0 for passage in ranked)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vaccines", "Vaccine"),
        ("STUDIES", "study"),
        ("ｖａｃｃｉｎｅ", "vaccine"),
        ("résumé", "resume"),
        ("вакцины", "вакцинация"),
        ("الأطفال", "الاطفال"),
        ("ﾜｸﾁﾝ", "ワクチン"),
        ("straße", "STRASSE"),
    ],
)
def test_forms_of_a_word_give_one_term(one: str, other: str) -> None:
    assert tokenize(one) == tokenize(other) != []


def test_unspaced_scripts_become_pairs() -> None:
    assert tokenize("東京都") == ["東", "京", "都", "東京", "京都"]
    assert tokenize("カメラ and 2 lenses") == ["カメ", "メラ", "and", "2", "lense"]


def test_function_words_are_dropped_unless_nothing_else_is_left() -> None:
    assert query_terms("How is the vaccine made") == ["vaccine", "made"]
    assert query_terms("how to be") == ["how", "to", "be"]
    assert query_terms("?!") == []


def test_scores_prefer_rare_words_short_texts_and_coverage() -> None:
    index = Bm25([["a", "b"], ["a", "c"], ["a"] + ["x"] * 50, ["d"]])
    assert len(index) == 4
    scores = index.scores(["a", "b"])
    assert max(scores, key=lambda number: scores[number]) == 0
    assert scores[1] > scores[2]
    assert 3 not in scores
    assert index.scores(["zzz"]) == {}
    assert Bm25([]).scores(["a"]) == {}


def test_near_duplicates_are_given_once() -> None:
    text = SUBJECTS["en"][1]
    ranked = rank_passages("vaccine", [document(text, url="a"), document(text + " ", url="b")])
    assert len(ranked) == 1


def test_the_title_counts() -> None:
    same = "It is grown in cells and then purified for use by people."
    ranked = rank_passages(
        "vaccine", [document(same, "Eiffel Tower", "a"), document(same + " Really.", "Vaccine", "b")]
    )
    assert ranked[0].url == "b"


def test_sentences() -> None:
    assert split_sentences("Dr. Smith came. He used e.g. a lamp. It cost 3.5 dollars! “Why?” she asked.") == [
        "Dr. Smith came.",
        "He used e.g. a lamp.",
        "It cost 3.5 dollars!",
        "“Why?” she asked.",
    ]
    assert split_sentences("これは本です。次の文！最後") == ["これは本です。", "次の文！", "最後"]
    assert split_sentences("वह घर है। अच्छा है।") == ["वह घर है।", "अच्छा है।"]
    assert split_sentences("one\ntwo\n\n") == ["one", "two"]


@given(st.text(max_size=600), st.integers(20, 200))
def test_passages_are_bounded_and_lose_no_word(text: str, size: int) -> None:
    passages = split_passages(text, size=size)
    assert all(0 < len(passage) <= size for passage in passages)
    assert "".join("".join(passages).split()) == "".join("".join(split_sentences(text.replace("\f", "\n"))).split())


@given(st.text(max_size=100), st.lists(st.text(max_size=100), max_size=4))
def test_ranking_never_raises(query: str, texts: list[str]) -> None:
    ranked = rank_passages(query, [document(text) for text in texts], 3)
    assert len(ranked) <= 3
    assert list(ranked) == sorted(ranked, key=lambda passage: -passage.score)


@pytest.mark.parametrize(
    "text", ["a" * 400_000, "a. " * 130_000, "。" * 400_000, "( " * 200_000, "\n" * 400_000, '."' * 200_000]
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    start = time.process_time()
    rank_passages("a b c", [document(text)])
    assert time.process_time() - start < 6
