# ruff: noqa: E501 (a page of a set reads best in long lines)
"""Eight sets of image specs, one for each art direction, in six languages: what the illustrator is tried on."""

from safelight.tools.images.spec import Chart, ImageSpec, Item, Size, StyleSheet

SQUARE, PORTRAIT, WIDE = Size(width=1024, height=1024), Size(width=1024, height=1280), Size(width=1536, height=1024)


def item(label: str, detail: str = "", icon: str = "", value: str = "") -> Item:
    return Item(label=label, detail=detail, icon=icon, value=value)


def series(size: Size, language: str, *pages: dict[str, object]) -> tuple[ImageSpec, ...]:
    """Numbers the pages of one set; each page is the fields of its `ImageSpec`."""
    return tuple(
        ImageSpec(**{"index": i, "of": len(pages), "prompt": "", "size": size, "language": language, **page})
        for i, page in enumerate(pages)
    )


VACCINES = series(
    SQUARE, "en",
    {"role": "cover", "title": "How vaccines are made", "subtitle": "From a virus in the laboratory to protection in your arm",
     "subject": "syringe vaccine", "icons": ("virus", "shield-check")},
    {"role": "step", "title": "1. Grow and tame the virus", "subject": "virus microscope", "items": (
        item("Choose the strain", "Laboratories around the world report what is spreading.", "search"),
        item("Grow it", "It multiplies in cell cultures or in hens' eggs.", "egg"),
        item("Make it harmless", "Heat or chemicals take away its power to cause disease.", "flame"))},
    {"role": "step", "title": "2. Test it in people", "subject": "clipboard users", "items": (
        item("Phase 1", "Dozens of volunteers: is it safe?", "user-round", "10s"),
        item("Phase 2", "Hundreds: which dose works?", "users", "100s"),
        item("Phase 3", "Thousands: does it protect?", "globe", "1000s"))},
    {"role": "summary", "title": "3. What to remember", "subject": "shield", "items": (
        item("Vaccines train the immune system", icon="brain"),
        item("Every batch is checked", icon="badge-check"),
        item("They protect those around you too", icon="users"))},
)  # fmt: skip

COFFEE = series(
    PORTRAIT, "de",
    {"role": "cover", "title": "Vom Strauch in die Tasse", "subtitle": "Die Reise einer Kaffeebohne", "subject": "coffee", "icons": ("leaf", "bean")},
    {"role": "timeline", "title": "Neun Monate bis zur Bohne", "subject": "bean sprout", "items": (
        item("Blüte", "Weiß, duftend, nach drei Tagen vorbei.", value="März"),
        item("Grüne Kirsche", "Die Frucht wächst langsam im Schatten.", value="Juni"),
        item("Ernte", "Nur rote Kirschen werden gepflückt.", value="Nov."),
        item("Röstung", "Bei rund 200 °C entstehen 800 Aromen.", value="Jan."))},
    {"role": "comparison", "title": "Zwei Arten, zwei Charaktere", "subject": "coffee", "items": (
        item("Arabica", "Fein, fruchtig, wächst auf über 1000 m.", "mountain", "60 %"),
        item("Robusta", "Kräftig, erdig, mag es warm und tief.", "sun", "40 %"))},
)  # fmt: skip

CITY = series(
    PORTRAIT, "en",
    {"role": "cover", "title": "Jazz after midnight", "subtitle": "Friday, 9 October. Doors at ten.", "subject": "piano", "icons": ("music", "mic-vocal")},
    {"role": "quote", "quote": "Jazz is not just music, it is a way of being in the world.", "title": "From the programme", "subject": "music city night"},
    {"role": "list", "title": "Tonight", "subject": "mic-vocal", "items": (
        item("The Blue Hour Trio", "Piano, bass, drums", "piano", "22:00"),
        item("Nina Okafor", "Voice and guitar", "guitar", "23:15"),
        item("Open stage", "Bring your horn", "drum", "00:30"))},
)  # fmt: skip

BRIDGE = series(
    WIDE, "ja",
    {"role": "cover", "title": "橋はなぜ落ちないのか", "subtitle": "力の流れを図で見る", "subject": "bridge", "icons": ("ruler", "hard-hat")},
    {"role": "diagram", "title": "吊り橋のしくみ", "subject": "bridge", "items": (
        item("主塔", "ケーブルの力を地面へ伝える。"), item("ケーブル", "橋全体の重さを引っ張りで支える。"),
        item("ハンガー", "床の重さをケーブルへ渡す。"), item("アンカー", "ケーブルの端を大地に固定する。"))},
    {"role": "chart", "title": "世界の長い吊り橋", "subject": "bridge", "chart": Chart(
        kind="bar", x_title="", y_title="中央支間（m）", categories=("チャナッカレ1915", "明石海峡大橋", "楊泗港大橋", "南沙大橋"),
        series={"中央支間（m）": (2023.0, 1991.0, 1700.0, 1688.0)})},
)  # fmt: skip

OCEAN = series(
    SQUARE, "ar",
    {"role": "cover", "title": "أسرار الشعاب المرجانية", "subtitle": "مدينة حية تحت الماء", "subject": "fish coral reef", "icons": ("turtle", "shell")},
    {"role": "facts", "title": "أرقام من البحر", "subject": "fish", "items": (
        item("من الأنواع البحرية تعيش هنا", icon="fish", value="25%"), item("من قاع المحيط فقط", icon="globe", value="أقل من 1%"),
        item("عمر أقدم الشعاب", icon="hourglass", value="4000 سنة"), item("شخص يعتمدون عليها", icon="users", value="500 مليون"))},
    {"role": "close_up", "title": "المرجان عن قرب", "subject": "flower", "items": (
        item("البوليب", "حيوان صغير يبني بيته من الحجر."), item("الطحالب", "تمنحه الغذاء واللون."), item("المجسات", "تصطاد العوالق في الليل."))},
)  # fmt: skip

PHYSICS = series(
    SQUARE, "ru",
    {"role": "cover", "title": "Почему небо голубое?", "subtitle": "Урок физики в трёх картинках", "subject": "sun cloud", "icons": ("rainbow", "eye")},
    {"role": "step", "title": "Свет сталкивается с воздухом", "subject": "sun", "items": (
        item("Белый свет", "Солнце посылает все цвета сразу.", "sun"), item("Рассеяние", "Голубые волны короче и рассеиваются сильнее.", "sparkles"),
        item("Глаз", "Мы видим голубой со всех сторон.", "eye"))},
    {"role": "chart", "title": "Короче волна, сильнее рассеяние", "subject": "rainbow", "chart": Chart(
        kind="line", x_title="Длина волны, нм", y_title="Относительное рассеяние", categories=("400", "450", "500", "550", "600", "650", "700"),
        series={"Относительное рассеяние": (9.4, 5.9, 3.8, 2.6, 1.9, 1.3, 1.0)})},
)  # fmt: skip

HERBS = series(
    PORTRAIT, "fr",
    {"role": "cover", "title": "L’herbier de la cuisine", "subtitle": "Douze plantes pour une année", "subject": "leaf sprout", "icons": ("flower-2", "leafy-green")},
    {"role": "diagram", "title": "La lavande", "subtitle": "Lavandula angustifolia", "subject": "flower", "items": (
        item("Épi", "Petites fleurs bleues, riches en huile."), item("Feuille", "Étroite et argentée."),
        item("Tige", "Ligneuse à la base."), item("Racine", "Aime les sols secs."))},
    {"role": "list", "title": "Au fil des saisons", "subject": "sun", "items": (
        item("Printemps", "Ciboulette, cerfeuil, menthe", "sprout"), item("Été", "Basilic, estragon, origan", "sun"),
        item("Automne", "Sauge, laurier, romarin", "leaf"), item("Hiver", "Thym séché, bouquet garni", "snowflake"))},
)  # fmt: skip

DINOSAURS = series(
    SQUARE, "en",
    {"role": "cover", "title": "Hello, dinosaurs!", "subtitle": "A book for very small scientists", "subject": "egg", "icons": ("bone", "footprints")},
    {"role": "facts", "title": "Big, bigger, biggest", "subject": "bone", "items": (
        item("As long as three buses", icon="bus", value="37 m"), item("As heavy as ten elephants", icon="weight", value="70 t"),
        item("Eggs in one nest", icon="egg", value="20"))},
    {"role": "comparison", "title": "Who eats what?", "subject": "leaf", "items": (
        item("Plant eaters", "Flat teeth for leaves and ferns.", "leaf"), item("Meat eaters", "Sharp teeth like little knives.", "bone"))},
    {"role": "scene", "title": "Good night, dinosaurs", "subject": "tree-palm moon night"},
)  # fmt: skip

SETS: dict[str, tuple[StyleSheet, tuple[ImageSpec, ...]]] = {
    "vaccines": (StyleSheet(direction="papercut", audience="school hallway"), VACCINES),
    "kaffee": (StyleSheet(direction="editorial"), COFFEE),
    "jazz": (StyleSheet(direction="darkroom"), CITY),
    "bridge": (StyleSheet(direction="blueprint"), BRIDGE),
    "ocean": (StyleSheet(direction="swiss", seed=2), OCEAN),
    "sky": (StyleSheet(direction="chalkboard"), PHYSICS),
    "herbier": (StyleSheet(direction="botanical"), HERBS),
    "dinosaurs": (StyleSheet(direction="playful"), DINOSAURS),
}
