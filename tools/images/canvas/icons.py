"""The bundled icons, and the way from a plain noun to one of them.

682 outline icons of Lucide 1.62 on a 24-unit grid (ISC license, `icons-LICENSE.txt`), each with its paths, which of
them are closed outlines, and its keywords.
"""

# ruff: noqa: E501 (the word list reads best in long lines)
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["LICENSE", "Icon", "find", "find_all", "icon", "names"]

LICENSE = "Icons: Lucide (ISC), https://lucide.dev"


@dataclass(frozen=True)
class Icon:
    """Outlines on a 24 x 24 grid, meant for a stroke of about 2. `closed` are the indices of paths that can be filled."""

    name: str
    paths: tuple[str, ...]
    closed: frozenset[int]
    keywords: tuple[str, ...]


# What people say, where Lucide's own keywords do not have it.
_SYNONYMS = """
vaccine immunization immunisation injection jab shot dose booster=syringe; germ pathogen infection bacteria microbe=virus;
antibody immune immunity protection safety safe=shield-check; doctor physician clinic=stethoscope; nurse=stethoscope;
hospital=hospital; research experiment chemistry lab laboratory=flask-conical; scientist science biology cells cell=microscope;
sample specimen=test-tube; gene genes genetic genetics rna mrna=dna; factory manufacturing production industry industrial=factory;
vial ampoule=pill-bottle; medicine drug tablet medication pharmacy=pill; bottle=milk; trial study survey form approval=clipboard-list;
delivery transport distribution shipping logistics truck lorry=truck; cold fridge freezer refrigeration cooling=refrigerator; storage warehouse=warehouse;
temperature fever heat hot=thermometer; school hallway classroom lesson education=school; student pupil graduate graduation=graduation-cap;
teacher teaching lecture presentation=presentation; book books reading read novel literature=book-open; library=library;
history ancient museum monument temple=landmark; castle fortress=chess-rook; bee bees insect=bug; honey honeycomb=hexagon;
butterfly=flower; flower flowers blossom bloom=flower-2; plant plants seedling growth grow sprout germination seed seeds=sprout; garden gardening=flower;
tree trees=tree-deciduous; forest woods woodland jungle rainforest=trees; leaf leaves=leaf; soil compost dirt=shovel; field farm farming agriculture harvest=tractor;
wheat bread grain cereal flour=wheat; rice noodles ramen bowl=soup; sushi=fish; tea=coffee; espresso cappuccino latte cafe barista=coffee; coffee bean beans=bean;
water=droplet; rain=cloud-rain; snow winter ice=snowflake; sun summer sunny sunshine=sun; weather=cloud-sun; storm thunder lightning=cloud-lightning;
cloud evaporation condensation vapor steam=cloud; wind=wind; river stream flood sea ocean=waves-horizontal; wave waves surf=waves-horizontal; mountain mountains alps peak summit=mountain;
volcano=mountain; desert=sun; island beach=tree-palm; moon night=moon; star stars=star; planet planets saturn astronomy=orbit; earth world=earth; globe global international=globe;
space rocket launch spaceship=rocket; galaxy universe cosmos=galaxy; satellite=satellite; telescope=telescope; astronaut=rocket; city urban town skyline=building; house home=house; apartment=building;
office work=briefcase; business company corporate=briefcase-business; money finance budget cost price=coins; savings save=piggy-bank; bank=landmark; tax=receipt; profit increase rise=chart-line; decline decrease fall=chart-line;
shop store market retail=store; sale discount=tag; shopping=shopping-cart; cart=shopping-cart; gift present=gift; party celebration birthday=party-popper; cake=cake; wedding love=heart; heart=heart; family people group community crowd team=users;
person man woman human user customer=user-round; child kid kids children baby=baby; grandmother grandfather elderly=user-round; hands help volunteer charity=hand-heart; partnership agreement deal=handshake;
car driving=car; bus=bus; train railway rail=train-front; plane flight airplane travel trip airport=plane; ship boat ferry=ship; sail sailing yacht=sailboat; bicycle bike cycling=bike; road street highway=road; walk walking hike hiking=footprints; traffic=traffic-cone;
map=map; location place=map-pin; compass direction navigation=compass; left=arrow-left; right=arrow-right; straight ahead upstairs=arrow-up; downstairs=arrow-down; camping camp=tent; hotel=hotel; suitcase luggage=luggage; passport=id-card;
fire flame burn=flame; emergency alarm=siren; fireman firefighter=fire-extinguisher; helmet construction builder=hard-hat; tool tools repair fix=wrench; hammer=hammer; engineering mechanic gear gears=cog; engine motor=engine;
electricity electric power energy=zap; battery=battery; solar=solar-panel; windmill turbine=fan; nuclear=radiation; atom physics molecule=atom; recycle recycling sustainable sustainability=recycle; waste trash garbage rubbish=trash; pollution=factory; climate=thermometer-sun; carbon emissions=factory;
computer=computer; laptop=laptop; phone mobile smartphone=smartphone; internet web=globe; network=network; server cloud-computing=server; data=database; code programming software developer=code; robot ai automation=bot; chip processor=cpu; security password privacy=lock; key=key; camera photo photography=camera; video film movie cinema=clapperboard;
music song melody=eighth-notes; guitar=guitar; piano=piano; drum drums=drum; concert=mic-vocal; theater theatre drama=drama; art painting paint artist=palette; draw drawing sketch=pencil; write writing author=pen; letter mail email=mail; news newspaper journal=newspaper; speech talk conversation chat=message-circle; question faq=lightbulb; idea ideas innovation creativity=lightbulb; brain mind thinking psychology memory=brain;
sport sports football soccer ball=volleyball; gym fitness exercise workout training=dumbbell; strength muscle=biceps-flexed; run running=sport-shoe; swim swimming=waves-ladder; medal prize winner=medal; trophy champion=trophy; goal target objective=target; game gaming=gamepad-2; chess=chess-knight;
dog puppy=dog; cat kitten=cat; bird birds=bird; fish=fish; turtle=turtle; rabbit=rabbit; squirrel=squirrel; panda bear=panda; animal animals pet paw=paw-print; horse cow pig=paw-print; egg eggs=egg; dinosaur fossil=bone; whale dolphin shark=fish; owl duck penguin=bird; mouse=rat; elephant lion tiger=paw-print;
apple fruit=apple; banana=banana; orange lemon=citrus; grape=grape; cherry=cherry; carrot vegetable vegetables=carrot; salad=salad; pizza=pizza; burger=hamburger; soup=soup; cook cooking chef kitchen recipe=chef-hat; oven bake baking=microwave; restaurant food meal dinner lunch menu eat=utensils; knife=slice; wine=wine; beer=beer; cocktail=martini; drink juice=cup-soda; milk=milk; cheese=pizza; meat=beef; chicken=drumstick; sugar candy=candy; chocolate=candy; cookie=cookie; ice-cream dessert=ice-cream-cone; salt pepper spice=utensils; butter=croissant; breakfast=egg-fried;
sleep bed=bed; bath shower=bath; clean cleaning hygiene wash washing soap=soap-dispenser-droplet; toothbrush teeth dentist=toothbrush; eye vision see=eye; ear hearing=ear; bone skeleton=bone; blood=droplets; pulse heartbeat=heart-pulse; wound=bandage; mask=venetian-mask; lungs breathing=wind; allergy=flower;
time clock=clock; hour waiting=hourglass; calendar date schedule event=calendar; deadline=timer; law justice court legal=scale; judge=gavel; vote election democracy=vote; government parliament=landmark; police=siren; flag country nation=flag; peace=bird; war=shield; crown king queen=crown; religion church=church; mosque=mosque;
chart statistics report growth=chart-column; check done complete approved quality control=badge-check; warning danger caution risk=triangle-alert; search find discover=search; magnet=magnet; light lamp=lamp; candle=flame; diamond jewel jewelry=gem; umbrella=umbrella; shirt clothes clothing fashion=shirt; hat=hat-glasses; shoe shoes=sport-shoe; glasses=glasses; watch=watch; bag=handbag; box package packaging=package; bridge=bridge; door=door-open; window=house; chair furniture=armchair; sofa=sofa; tea-time=coffee; spring=flower-2; autumn fall-season=leaf; rainbow=rainbow; balloon=balloon; circus=ferris-wheel; puzzle=puzzle; toy toys=blocks; magic=wand-sparkles; ghost halloween=ghost; crystal=gem; lighthouse=lighthouse; anchor=anchor; diving=waves-ladder; well=droplet; purify purification extraction filter filtration=funnel; mix mixing blend=cooking-pot; protein antigen=atom; weaken inactivate=shield; incubate incubator culture=egg; fill filling=droplets; label=tag; distribute=truck; arms arm=syringe; cough sneeze=wind; handwashing=hand; infographic=chart-pie
"""


@cache
def _load() -> dict[str, Icon]:
    raw = json.loads((files(__package__) / "icons.json").read_text(encoding="utf-8"))
    return {
        name: Icon(name, tuple(entry["p"]), frozenset(entry["c"]), tuple(entry["t"])) for name, entry in raw.items()
    }


@cache
def _index() -> dict[str, str]:
    """Word to icon name. Names win over synonyms, synonyms over keywords, earlier over later."""
    index: dict[str, str] = {}
    for keyword_rank in (False, True):
        for icon_ in _load().values():
            words = icon_.keywords if keyword_rank else (icon_.name, icon_.name.replace("-", " "))
            for word in words:
                index.setdefault(word, icon_.name)
        if not keyword_rank:
            for entry in _SYNONYMS.replace("\n", " ").split(";"):
                words_, _, name = entry.strip().partition("=")
                for word in words_.split():
                    if name in _load():
                        index.setdefault(word.replace("-", " "), name)
    for name in _load():
        index.setdefault(name.split("-")[0], name)
    return index


def names() -> tuple[str, ...]:
    return tuple(_load())


def icon(name: str) -> Icon:
    """The icon of that exact name; raises `KeyError`."""
    return _load()[name]


def _forms(word: str) -> list[str]:
    """The word and its plausible singulars and stems, best first."""
    forms = [word]
    for ending, stem in (
        ("ies", "y"),
        ("ves", "f"),
        ("es", ""),
        ("s", ""),
        ("ing", ""),
        ("ing", "e"),
        ("ed", ""),
        ("ed", "e"),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            forms.append(word[: -len(ending)] + stem)
    return forms


_STOP = frozenset(
    "a an the of and or in on at to for with from by as is are was were be how what why who when where this that these "
    "those its their our your my it they we you i not no new one two three four five six seven eight all more most "
    "into over under out up off than then them his her can will would should has have had do does get make made makes "
    "use used using first last next between about above after before during each every other some any many much very "
    "big small large little good best great part parts step steps guide poster image picture illustration show visual "
    "number level high low top day simple quick way ways thing things kind look looks".split()
)


def find_all(text: str, limit: int = 8) -> list[Icon]:
    """Icons for the nouns of an English text, in order of appearance, no icon twice."""
    index, load = _index(), _load()
    words = re.findall(r"[a-z0-9]+", text.lower())
    found: list[str] = []
    i = 0
    while i < len(words) and len(found) < limit:
        pair = " ".join(words[i : i + 2])
        name = index.get(pair) if i + 1 < len(words) else None
        step = 2 if name else 1
        if name is None and words[i] not in _STOP:
            name = next((index[form] for form in _forms(words[i]) if form in index), None)
        if name and name not in found:
            found.append(name)
        i += step
    return [load[name] for name in found]


def find(noun: str) -> Icon | None:
    """The icon for a plain English noun, or None. An exact icon name wins."""
    noun = noun.strip().lower()
    if not noun:
        return None
    load = _load()
    if noun in load:
        return load[noun]
    index = _index()
    for form in _forms(noun):
        if form in index:
            return load[index[form]]
    found = find_all(noun, limit=1)
    return found[0] if found else None
