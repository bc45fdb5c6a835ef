# ruff: noqa: E501 (a brief reads best in one line)
"""Twenty-four briefs, three for each art direction, in six languages and four scripts: what the gallery draws."""

from dataclasses import dataclass

__all__ = ["BRIEFS", "Piece"]


@dataclass(frozen=True)
class Piece:
    """One brief. `file` is attached, `folder` is researched, both beside this file; `then` are edits, each of the image
    before it."""

    prompt: str
    style: str
    n: int | None = None
    size: str = "auto"
    file: str = ""
    folder: str = ""
    then: tuple[str, ...] = ()


BRIEFS: dict[str, Piece] = {
    "swiss-observatory": Piece("An event poster: “Night of the Stars” at the university observatory, Friday 20 March at 7 pm", "swiss"),
    "swiss-sales": Piece("Our sales by quarter as a poster", "swiss", file="sales.csv"),
    "swiss-water": Piece("ملصق عن أهمية شرب الماء", "swiss"),
    "editorial-pie": Piece("A recipe poster for grandma's apple pie: 6 apples, 200 g flour, 100 g butter, 80 g sugar, 1 tsp cinnamon", "editorial"),
    "editorial-schrift": Piece("Eine Zeitleiste der Schrift: 3200 v. Chr. Keilschrift, 1050 v. Chr. Alphabet, 105 Papier in China, 1450 Buchdruck, 1868 Schreibmaschine", "editorial"),
    "editorial-garden": Piece("A two-part infographic about our school garden in numbers", "editorial", n=2, folder="garden"),
    "darkroom-space": Piece("A timeline of space flight: 1957 Sputnik, 1961 Yuri Gagarin in orbit, 1969 First steps on the Moon, 1990 Hubble telescope, 1998 International Space Station, 2021 James Webb telescope", "darkroom"),
    "darkroom-jazz": Piece("A quote poster: “Jazz is not just music, it is a way of being in the world.”", "darkroom"),
    "darkroom-harbor": Piece("A panorama of a harbor city at night", "darkroom", size="1920x640"),
    "blueprint-bicycle": Piece("A diagram of a bicycle: Frame, Fork, Saddle, Chain, Brakes, Spokes", "blueprint"),
    "blueprint-compare": Piece("Compare electric cars and bicycles for the city", "blueprint"),
    "blueprint-water": Piece("水の循環を説明する4枚の図解", "blueprint", n=4),
    "papercut-vaccines": Piece("A four-part visual guide to how vaccines are made, for a school hallway", "papercut", n=4),
    "papercut-sale": Piece("Poster for our school bake sale on Saturday 12 July at 10 am in the gym", "papercut", then=("Change the title to “Sold out!”", "The same as a square", "Make it black and white")),
    "papercut-dawn": Piece("A phone wallpaper of mountains at dawn", "papercut", size="1080x2340"),
    "chalkboard-menu": Piece("Speisekarte für das Café Luna: Espresso 2,50 €, Cappuccino 3,20 €, Apfelkuchen 4,00 €, Tagessuppe 6,50 €", "chalkboard"),
    "chalkboard-bread": Piece("パンの作り方を説明する4枚の図解", "chalkboard", n=4),
    "chalkboard-chocolat": Piece("Le chocolat chaud en 4 étapes : Chauffer le lait → Fondre le chocolat → Mélanger → Servir", "chalkboard"),
    "botanical-herbier": Piece("Affiche « L’herbier de la cuisine » : thym, sauge, menthe, basilic, lavande, romarin", "botanical"),
    "botanical-bees": Piece("Плакат о пчёлах для школы", "botanical"),
    "botanical-butterfly": Piece("Butterfly life cycle: egg → caterpillar → chrysalis → butterfly, as a diagram for kids", "botanical"),
    "playful-fox": Piece("Cover of a children's story “The Fox Who Counted Stars” by Mina Berg", "playful"),
    "playful-animals": Piece("Eight cards with animals for a museum shop: fox, owl, rabbit, hedgehog, frog, snail, turtle, butterfly", "playful", n=8, size="768x768"),
    "playful-fireworks": Piece("夏祭りのポスター「花火大会」、8月3日19時、隅田川", "playful"),
}  # fmt: skip
