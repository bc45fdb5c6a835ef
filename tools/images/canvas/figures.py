"""The bundled figures: things, animals and people drawn in flat shapes, and the way from a plain noun to one of them.

645 figures of Fluent Emoji Flat 1.2.6 on a 32-unit grid (MIT license, `figures-LICENSE.txt`; boats without the block of
water that they come with), and a few of our own where that has none. Each is a stack of filled shapes, farthest first. An art direction recolors and redraws them in its own material (`figure_mark`).
"""

# ruff: noqa: E501 (the word list reads best in long lines)
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["HOVERING", "LICENSE", "Figure", "Shape", "figure", "figures_in", "find_figure"]

LICENSE = "Figures: Fluent Emoji (MIT), https://github.com/microsoft/fluentui-emoji"


@dataclass(frozen=True)
class Shape:
    """One filled outline. `fill` is `#rrggbb`, `opacity` 0..1."""

    fill: str
    path: str
    opacity: float = 1.0
    evenodd: bool = False


@dataclass(frozen=True)
class Figure:
    """Shapes on a 32 x 32 grid, farthest first."""

    name: str
    shapes: tuple[Shape, ...]


# What flies, floats or shines, and so is not set down on the ground of a scene.
HOVERING = frozenset(
    "airplane balloon butterfly bubbles cloud cloud-with-rain cloud-with-snow cloud-with-lightning cloud-with-lightning-and-rain "
    "sun-behind-cloud sun-behind-rain-cloud sun-behind-small-cloud comet crescent-moon full-moon dove eagle fireworks flying-saucer glowing-star "
    "helicopter honeybee kite leaf-fluttering-in-wind microbe mosquito parachute rainbow ringed-planet rocket satellite "
    "small-airplane snowflake sparkles sparkler star sun sun-with-face thought-balloon speech-balloon  globe-showing-europe-africa "
    "globe-showing-americas magnifying-glass-tilted-left shield dna brain lungs anatomical-heart droplet fire key feather "
    "fallen-leaf musical-note musical-notes ring fly fish tropical-fish blowfish dolphin whale spouting-whale shark octopus squid jellyfish "
    "recycling-symbol bullseye puzzle-piece gear magnet syringe scissors world-map paw-prints footprints cherry-blossom hibiscus blossom "
    "maple-leaf herb four-leaf-clover peacock tornado party-popper wheel bone tooth red-apple".split()
) - {"red-apple", "peacock", "party-popper", "herb"}  # fmt: skip

# word word=figure; the names themselves are known too.
_SYNONYMS = """
vaccine vaccination immunization injection jab shot dose booster=syringe; germ germs virus pathogen bacteria bacterium microbes infection corona=microbe; antibody immune immunity protection safety protect=shield;
doctor nurse physician medic=health-worker; hospital clinic=ambulance; flask chemistry experiment laboratory lab=alembic; sample specimen test-tubes tubes=test-tube; petri culture cells cell=petri-dish; gene genes genetics rna mrna=dna; medicine tablet medication pharmacy drug=pill;
truck lorry delivery transport logistics shipping=delivery-truck; cold frozen frost winter freeze=snowflake; heat temperature fever=thermometer; clipboard-list clipboard-check trial approval checklist survey=clipboard; search research discover find look closely=magnifying-glass-tilted-left; scientists=scientist; volunteers crowd community users friends family team group together everyone audience=people; heart-handshake agreement deal cooperation partnership=handshake; goal target aim objective=bullseye;
elementary classroom=school; pupil graduation graduate university=graduation-cap; book-open reading read novel story stories tale literature library=open-book; notebook diary journal=notebook; lesson history ancient=scroll; museum government court bank landmark parliament=classical-building; castle fortress medieval=castle; knight king queen royal=crown; write author poem=fountain-pen; pen=fountain-pen; draw sketch=pencil; painting paint art painter=artist-palette; letter mail email=envelope; news press=newspaper; idea ideas innovation invention insight=light-bulb; mind thinking psychology memory=brain;
bees bee=honeybee; honey hive=honey-pot; insect bugs=lady-beetle; caterpillar larva=bug; pupa cocoon=chrysalis; flower flowers blossoming bloom=blossom; flower-2=hibiscus; plant plants sprout growth grow growing germination seed seeds gardening=seedling; tree trees tree-deciduous oak=deciduous-tree; forest woods pine woodland tree-pine=evergreen-tree; leaf leaves photosynthesis=herb; autumn fall=maple-leaf; garden=potted-plant; lavender=hyacinth; tree-palm palm beach island tropical=palm-tree; clover=four-leaf-clover; soil compost worms=worm; farm farming agriculture field=tractor; grain cereal flour wheat harvest rice-plant=sheaf-of-rice; moss mint basil sage thyme oregano parsley spice spices=herb;
rain rainy shower precipitation=cloud-with-rain; storm thunder thunderstorm lightning=cloud-with-lightning-and-rain; snow snowy=cloud-with-snow; weather=sun-behind-cloud; clouds evaporation condensation vapor vapour steam=cloud; sunny summer sunshine sunlight solar=sun; wind windy breeze=leaf-fluttering-in-wind; water drop drops liquid=droplet; sea ocean coast=sailboat; wave waves surf=water-wave; river lake stream=canoe; moon night=crescent-moon; stars=glowing-star; planet planets saturn orbit astronomy=ringed-planet; earth world global globe international=globe-showing-europe-africa; galaxy universe cosmos=ringed-planet; spaceship launch spaceflight=rocket; space-station probe sputnik=satellite; hubble=satellite; cosmonaut=astronaut; observatory astronomer astronomical stargazing=telescope; meteor asteroid=comet; mountains peak summit alps hill=snow-capped-mountain; volcanoes lava eruption=volcano; sunrise dawn sunset dusk=sun; fire flame burn campfire=fire; spring=cherry-blossom;
city town urban skyline building buildings apartment=office-building; office=office-building; home houses village=house-with-garden; hotel accommodation=hotel; shop store market retail=department-store; industry industrial manufacturing production=factory; construction builder=construction-worker; road street highway=automobile; traffic-light traffic semaphore=vertical-traffic-light; car cars driving vehicle=automobile; bike cycling cyclist bicycles=bicycle; buses=bus; trains railway rail=train; plane flight flying travel trip airport=airplane; boat ships ferry harbor harbour port cruise=ship; sailing sail yacht regatta=sailboat; walk walking pedestrian=person-walking; running run marathon jog race=person-running; swim swimming pool=person-swimming; hike hiking boots=hiking-boot; camp tent-tree=tent; suitcase luggage-bag vacation holiday=luggage; map navigation=world-map; fuel petrol gas=fuel-pump; wheel-chair=wheel;
apples apple fruit fruits=red-apple; oranges orange mandarin citrus=tangerine; grape=grapes; cherry=cherries; berry berries blueberry=blueberries; strawberries=strawberry; vegetables vegetable veggies=carrot; salads salad lettuce=green-salad; cabbage spinach kale=leafy-green; corn maize=ear-of-corn; pepper paprika=bell-pepper; chili chilli=hot-pepper; tomatoes=tomato; potatoes=potato; nuts nut almond=chestnut; beans bean=beans; peas lentils=pea-pod; loaf dough baking bake baker sourdough baguette=bread; cheese gouda=cheese-wedge; meat beef steak=cut-of-meat; ham=meat-on-bone; chicken-leg=poultry-leg; shrimp prawn=shrimp; pasta noodles=spaghetti; ramen soup stew broth miso=steaming-bowl; curry=curry-rice; rice=cooked-rice; sushi-roll=sushi; burger=hamburger; fries chips=french-fries; pancake=pancakes; waffles=waffle; biscuit cookies=cookie; cakes cake birthday torte=birthday-cake; tart=pie; muffin muffins=cupcake; donut=doughnut; dessert pudding=custard; gelato ice-cream-cone=soft-ice-cream; chocolate cocoa cacao=chocolate-bar; sweets=candy; sugar-cubes sugarcane=sugar; milk dairy=glass-of-milk; bake-sale=cupcake; flour-bag=sheaf-of-rice; sugar-cube=candy; eggs yolk omelette=egg; oil olives=olive; coffee espresso cappuccino latte cafe barista cup-hot=hot-beverage; tea teapot-green chai=teapot; matcha=teacup-without-handle; juice lemonade=cup-with-straw; drink drinks drinking glass-water=tumbler-glass; wine=wine-glass; beer=beer-mug; cocktail martini=cocktail-glass; cook chef recipe chef-hat=cook; cooking-pot frying pan fry stir=cooking; whisk mix bowl batter=bowl-with-spoon; oven=shallow-pan-of-food; restaurant meal dinner lunch menu food eat utensils=fork-and-knife-with-plate; picnic=basket; barn shed stable=hut; orchard=red-apple; pond=duck; beehive beehives apiary=honey-pot; gate entrance exit=door; playground=playground-slide; park=deciduous-tree; cinnamon-sticks=cinnamon; vanilla=blossom; garlic-clove=garlic; kitchen=pot-of-food; popcorn-bag=popcorn; mushrooms fungi fungus=mushroom;
cats kitten=cat; dogs puppy=dog; birds robin sparrow=bird; owls=owl; fishes fishing=fish; old-fisherman=old-man; fisherman angler=fishing-pole; turtles tortoise=turtle; bunny rabbits hare=rabbit; squirrel=chipmunk; horses pony=horse; cows cattle=cow; pigs=pig; sheep lamb=ewe; ducks duckling=duck; chick=baby-chick; hen hens=chicken; mice=mouse; foxes=fox; wolves=wolf; bears=bear; lions=lion; tigers=tiger; elephants=elephant; whales=whale; dolphins=dolphin; sharks=shark; crabs=crab; coral-reef reef corals=coral; shell shells seashell=spiral-shell; dinosaur dinosaurs=sauropod; tyrannosaurus trex predator meat-eater=t-rex; fossil bones skeleton=bone; animals animal pet pets paw-print paw=paw-prints; monster=dragon; penguins=penguin; deers reindeer=deer; frogs tadpole=frog; snakes=snake; spiders=spider;
grandfather grandpa=old-man; grandmother grandma granny=old-woman; elderly senior seniors=older-person; kid kids children toddler child=child; teachers teaching=school; worker=factory-worker; manager business company=office-worker; programmer developer programming coding code=technologist; singer-song=singer; police=police-officer; soldiers army military veteran veterans trooper private-soldier=soldier; portrait man guy woman lady human someone=person; fireman=firefighter; hands hand volunteer charity help=handshake;
chart chart-column chart-line statistics growth profit sales revenue increase=chart-increasing; money finance budget cost price coins savings=coin; piggy-bank save=money-bag; gift present=wrapped-gift; party celebration festival carnival=party-popper; firework new-year=fireworks; wedding marriage=ring; christmas xmas=christmas-tree; halloween=jack-o-lantern; pumpkins squash=pumpkin; easter=egg; calendar date schedule event appointment=tear-off-calendar; clock time hour=mantelpiece-clock; alarm wake=alarm-clock; timer=stopwatch; waiting wait hourglass rest=hourglass-not-done; key-old=old-key; lock security password privacy=locked; computer computing computers cpu chip processor=desktop-computer; phone smartphone mobile=mobile-phone; internet web=globe-showing-americas; robots ai automation bot=robot; camera-photo photography photo=camera; film movie cinema=clapper-board; tv=television; music song melody jazz concert eighth-notes notes=musical-notes; piano keyboard-music=musical-keyboard; drums percussion=drum; mic-vocal karaoke vocal sing=studio-microphone; saxophonist sax=saxophone; theater theatre drama stage=performing-arts; dance ballet=ballet-shoes; sport sports football soccer ball=soccer-ball; gym fitness exercise workout training=flexed-biceps; medal prize winner award=sports-medal; champion=trophy; game games gaming=video-game; chess=chess-pawn; puzzle=puzzle-piece; toy toys doll=teddy-bear; magic wizard=magic-wand; circus=circus-tent; tools tool repair fix=hammer-and-wrench; machine mechanics engine=gear; electricity electric power energy zap=light-bulb; battery-charge=battery; recycle recycling waste sustainability sustainable=recycling-symbol; trash garbage rubbish bin=wastebasket; climate carbon=globe-showing-europe-africa; wood timber=wood; paper documents document=page-facing-up; box boxes package parcel packaging=package; bottle=lotion-bottle; bath wash=bathtub; handwashing soap-dispenser clean cleaning hygiene=soap; teeth dentist brush=toothbrush; sleep bedtime dream dreams=bed; lungs-air breathing breath=lungs; heartbeat pulse blood=anatomical-heart; love hearts valentine valentines=heart; wound plaster bandage=adhesive-bandage; eyesight spectacles=glasses; rescue=rescue-workers-helmet; law justice scale=balance-scale; judge-court=judge; vote election democracy=ballot-box-with-ballot; flag=triangular-flag; crown-king=crown; diamond jewel gem jewelry=gem-stone; shirt clothes clothing=t-shirt; fashion=dress; hat=top-hat; shoe shoes sneakers sport-shoe=running-shoe; sofa furniture=couch-and-lamp; door-open=door; lamp light=light-bulb; candles=candle; umbrella-rain=umbrella; balloons=balloon; ferris amusement fair=ferris-wheel; telescope-star=telescope; magnetism=magnet; speech talk conversation chat message-circle=speech-balloon; megaphone-news announcement announce=megaphone; lantern=red-paper-lantern; temple shrine=shinto-shrine; kimono-dress=kimono; sakura=cherry-blossom; church-chapel=church; harbor-night=ship; yoga meditation=person-in-lotus-position; climb climbing=person-climbing; rowing=person-rowing-boat; ski skiing=skis; skating=ice-skate; tooth-ache=tooth
"""


@cache
def _load() -> dict[str, Figure]:
    raw: dict[str, list[list[Any]]] = {}
    for name in ("figures.json", "figures-own.json"):
        raw |= json.loads((files(__package__) / name).read_text(encoding="utf-8"))
    return {
        name: Figure(name, tuple(Shape(*row[:3], *map(bool, row[3:])) for row in rows)) for name, rows in raw.items()
    }


@cache
def _index() -> dict[str, str]:
    """Word to figure name: names first, then synonyms, then what a name is about ("desktop-computer")."""
    index: dict[str, str] = {}
    for name in _load():
        index.setdefault(name, name)
        index.setdefault(name.replace("-", " "), name)
    for entry in _SYNONYMS.replace("\n", " ").split(";"):
        words, _, name = entry.strip().partition("=")
        for word in words.split():
            index.setdefault(word, name)
            index.setdefault(word.replace("-", " "), name)
    return index


def figure(name: str) -> Figure:
    """The figure of that exact name; raises `KeyError`."""
    return _load()[name]


def _forms(word: str) -> tuple[str, ...]:
    plurals = (("ies", "y"), ("ves", "f"), ("oes", "o"), ("es", ""), ("s", ""))
    return (word, *(word[: -len(e)] + s for e, s in plurals if word.endswith(e) and len(word) - len(e) >= 3))


def find_figure(noun: str) -> Figure | None:
    """The figure for exactly that plain English noun or short phrase, or its singular; None where there is none."""
    noun = noun.strip().lower()
    index = _index()
    for candidate in (noun, noun.replace("-", " ")):
        if hit := next((index[form] for form in _forms(candidate) if form in index), None):
            return _load()[hit]
    return None


def figures_in(text: str, limit: int = 8) -> list[Figure]:
    """Figures for the nouns of an English text, in order of appearance, none twice. Pairs of words go first."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    found: list[Figure] = []
    i = 0
    while i < len(words) and len(found) < limit:
        pair = find_figure(" ".join(words[i : i + 2])) if i + 1 < len(words) else None
        hit = pair or (find_figure(words[i]) if len(words[i]) > 2 and words[i] not in _WEAK else None)
        if hit and hit not in found:
            found.append(hit)
        i += 2 if pair else 1
    return found


_WEAK = frozenset(
    "look find read light cold save rest walk run help hand fall closely date story hour time shot".split()
)
