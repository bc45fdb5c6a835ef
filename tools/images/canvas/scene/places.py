"""Which environment a text speaks of."""

# ruff: noqa: E501 (the word lists read best in long lines)
from __future__ import annotations

import re

__all__ = ["choose"]

_WORDS = {
    "lab": "vaccine vaccines syringe virus medicine medical lab laboratory chemistry chemical science scientist microscope cell cells dna gene clinic doctor nurse pill drug bacteria immune antibody trial research experiment vial flask biology molecule health hospital",
    "space": "space planet planets star stars moon rocket galaxy universe astronaut cosmos orbit satellite mars jupiter saturn solar-system comet telescope astronomy eclipse observatory",
    "underwater": "coral reef fish whale dolphin shark diving submarine octopus underwater jellyfish turtle aquarium seabed deep-sea",
    "harbor": "harbor harbour port waterfront quay marina",
    "sea": "sea ocean beach island ship boat sail sailing sailboat wave waves coast surf marine tide water cycle lighthouse",
    "lake": "lake pond river stream bridge dam canal canoe rowing fishing swan duck",
    "storm": "storm storms stormy thunderstorm hurricane tempest gale typhoon",
    "forest": "forest woods tree trees woodland wolf bear deer fox owl fairy mushroom jungle rainforest pine christmas",
    "mountains": "mountain mountains alps hike hiking climb climbing peak summit ski snow winter glacier volcano camping adventure trail",
    "desert": "desert sahara cactus camel pyramid egypt sand dune drought heat",
    "garden": "garden sprout flower flowers bee bees butterfly plant plants herb herbs spring vegetable vegetables tomato tomatoes seed seeds compost pollen pollination honey botany rose leaf photosynthesis",
    "kitchen": "recipe recipes cook cooking cook kitchen food pot bread pie apple butter sugar cinnamon flour tart soup dessert teapot tea chocolate milk bake baking cake soup coffee restaurant menu meal pizza chef breakfast lunch dinner pasta sushi ramen tea-house cafe spice",
    "study": "book books read reading library school study student history museum literature writing author teacher lesson education learn learning desk homework exam poem poetry law",
    "city": "city urban town street traffic car cars bus train metro subway skyline architecture building buildings business office commute startup marketing bicycle bike cycling transport market jazz concert night fireworks festival",
    "factory": "factory manufacturing industry industrial production machine machines engine steel robot robots energy power electricity pollution carbon emissions",
    "village": "house home village family neighborhood neighbourhood community farm farming barn rural moving rent",
    "hills": "climate weather sun sunny summer wind nature landscape park animal animals dog cat horse cow rain rainbow picnic environment recycle recycling sustainable earth field agriculture tractor balloon bird birds dinosaur running marathon run walk",
    "sky": "sky cloud clouds plane airplane flight fly flying airport air dream dreams sleep angel kite peace",
}


def choose(text: str, fallback: str = "stage") -> str:
    """The environment whose words occur most in an English text, earlier words counting more."""
    words = re.findall(r"[a-z]+", text.lower())
    scores = dict.fromkeys(_WORDS, 0.0)
    for position, word in enumerate(words):
        for name, vocabulary in _WORDS.items():
            known = vocabulary.split()
            if word in known or word.removesuffix("s") in known:
                scores[name] += 1 / (1 + position * 0.15)
    scores["space"] *= 1.5  # whoever names an astronaut means it, whatever else is there
    scores["storm"] *= 3  # a storm is at sea, and changes it
    scores["harbor"] *= 3  # a harbor has city and sea words about it, and is neither
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else fallback
