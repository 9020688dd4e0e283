"""Words find the right picture in many languages, every picture can be drawn, and all of it is accounted for."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentes.media import art, fonts
from agentes.media.art import gather
from agentes.media.art.drawing import svg
from agentes.media.art.index import LANGUAGES, dictionary, stem
from agentes.media.fonts.coverage import coverage
from shared_knowledge.errors import Broken

ROOT = Path(__file__).parents[3]
ART = ROOT / "agentes/media/art"

# language | words of a brief | pictograms any of which is right as the first
FOUND = """
en | ceramic mug | mug
en | a handmade ceramic mug on a wooden table | mug
en | steaming cup of coffee | steaming-mug
en | specialty coffee beans | coffee-bag
en | barista doing latte art | steaming-mug
en | bar of soap | soap-bar
en | clay soap with leaves around it | soap-bar
en | soy candles | jar-candle candle
en | scented candle | jar-candle
en | wireless headphones | headphone
en | earbuds in their case | earbuds
en | trail running shoes | running-shoe
en | birthday cakes | birthday-cake
en | sourdough bread | bread
en | pizza from a wood oven | pizza
en | pistachio ice cream | soft-ice-cream
en | reusable water bottle | water-bottle
en | bottle of wine | wine-bottle
en | perfume | perfume
en | night cream | cream-jar
en | face serum | dropper-bottle
en | sunscreen | tube
en | leather handbag | handbag
en | leather wallets | wallet
en | automatic watch | watch
en | smartphone app | mobile-phone
en | old film camera next to 24 rolls of film | camera
en | rolls of film | film-frames
en | velvet sofa | sofa
en | walnut desk organizer | desk-organizer
en | dining tables | table
en | little house by the lake | house
en | our flower shop | bouquet
en | storefront at dusk | storefront
en | empty beach at sunrise | beach-with-umbrella
en | pine forest in the fog | forest
en | city skyline | cityscape
en | rain on a window | cloud-with-rain
en | city bikes | bicycle
en | bike helmet | bike-helmet
en | classic motorcycle in the desert | motorcycle
en | electric car | sport-utility-vehicle automobile
en | children's book | open-book
en | puppies | dog
en | cat knocks a plant off a shelf | cat
en | potted fern | potted-plant
en | bouquet of red roses | bouquet
en | loose leaf green tea | teacup-without-handle
en | craft beer | beer-mug
en | dark chocolate bar | chocolate-bar
en | oat milk carton on a breakfast table | milk-carton
en | chess channel, dark and moody | chess-pawn
en | yoga class at dawn | person-in-lotus-position
en | kitchen knives | kitchen-knife
en | solar panels on a roof | solar-panel
en | gift boxes | wrapped-gift
en | wedding venue | wedding
en | lip balm | lipstick
en | drone | drone
en | hot sauce | jam-jar
en | olive oil from Crete | oil-bottle
en | an orange chair by the window | chair
en | desk lamp | desk-lamp
en | running in the park | person-running
en | espresso machine | coffee-machine
en | ☕ lovers | hot-beverage
pt | caneca de cerâmica | mug
pt | canecas | mug
pt | Caneca laranja, artesanal, sobre a mesa | mug
pt | xícara de café | steaming-mug
pt | café especial da serra | coffee-bag
pt | sabonete de argila com folhas em volta | soap-bar
pt | sabonetes artesanais | soap-bar
pt | vela aromática | jar-candle
pt | velas | candle
pt | fone de ouvido | headphone
pt | fones de ouvido bluetooth | earbuds headphone
pt | tênis de corrida | running-shoe
pt | tênis | running-shoe
pt | raquete de tênis | tennis
pt | bolo de cenoura | birthday-cake
pt | pão de fermentação natural | bread
pt | pães | bread
pt | padaria do bairro | bakery
pt | forno a lenha | wood-oven
pt | sorvete de pistache | soft-ice-cream
pt | garrafa térmica | water-bottle
pt | perfume floral | perfume
pt | creme para as mãos | cream-jar
pt | protetor solar | tube
pt | bolsa de couro | handbag
pt | relógio de pulso | watch
pt | celular | mobile-phone
pt | câmera analógica | camera
pt | fotografia de alimentos | camera
pt | sofá de linho | sofa
pt | organizador de mesa | desk-organizer
pt | casa na praia | house
pt | lojinha de roupas | storefront
pt | praias desertas | beach-with-umbrella
pt | floresta | forest
pt | trilha na Chapada | trail
pt | cachoeira | waterfall
pt | cidade à noite | night-with-stars
pt | chuva | cloud-with-rain
pt | bicicletas | bicycle
pt | capacete de moto | motorcycle-helmet
pt | moto clássica | motorcycle
pt | carro elétrico | sport-utility-vehicle
pt | livro de receitas | open-book
pt | cachorro | dog
pt | ração para cães | pet-bowl
pt | gatos | cat
pt | planta suculenta | potted-plant
pt | buquê de flores do campo | bouquet
pt | chá de camomila | teacup-without-handle
pt | taça de vinho tinto | wine-glass
pt | cerveja artesanal | beer-mug
pt | chocolate amargo | chocolate-bar
pt | brigadeiros | truffle
pt | óculos de sol | sunglasses
pt | brincos de prata | earrings
pt | torno de oleiro | pottery-wheel
pt | chimarrão | mate
pt | açaí na tigela | bowl
pt | leões | lion
es | taza de cerámica | mug
es | tazas | mug
es | jabón artesanal de lavanda | soap-bar
es | jabones | soap-bar
es | velas aromáticas | jar-candle
es | auriculares inalámbricos | earbuds
es | zapatillas de correr | running-shoe
es | pastel de cumpleaños | birthday-cake
es | pan de masa madre | bread
es | helado | soft-ice-cream
es | botella de agua | water-bottle
es | bolso de cuero | handbag
es | reloj | watch
es | gorra negra | billed-cap
es | una moto clásica en el desierto | motorcycle
es | casco de bicicleta | bike-helmet
es | zumo de naranja | juice-glass
es | sofá | sofa
es | tienda de barrio | storefront
es | playa | beach-with-umbrella
es | lluvia | cloud-with-rain
es | perros | dog
es | flores | bouquet
es | aceite de oliva virgen | oil-bottle
es | copa de vino | wine-glass
es | lápices de colores | pencil crayon
fr | tasse en céramique | mug
fr | bougies parfumées | jar-candle
fr | savon artisanal | soap-bar
fr | gâteaux | birthday-cake
fr | pain au levain | bread
fr | glace à la pistache | soft-ice-cream
fr | casque audio | headphone
fr | baskets | running-shoe
fr | sac à main en cuir | handbag
fr | l'huile d'olive de Provence | oil-bottle
fr | une bouteille de vin | wine-bottle
fr | parfum | perfume
fr | crème hydratante | cream-jar
fr | vélo électrique | bicycle
fr | boulangerie de quartier | bakery
fr | chaussures de randonnée | hiking-boot running-shoe
fr | forêt | forest
fr | chevaux | horse
fr | montre | watch
fr | canapé | sofa
fr | thé vert | teacup-without-handle
de | Keramikbecher | mug
de | Becher aus Keramik | mug
de | Duftkerzen | jar-candle
de | Kerze | candle
de | Seife | soap-bar
de | Fahrradhelm im Regen | bike-helmet
de | Kopfhörer | headphone
de | Laufschuhe | running-shoe
de | Schokoladenkuchen | birthday-cake
de | Brot | bread
de | Kaffeebohnen | coffee-bag
de | Olivenöl | oil-bottle
de | Weinflasche | wine-bottle
de | Handtasche | handbag
de | Uhren | watch
de | Äpfel | red-apple
de | Holztisch | table
de | Wald | forest
de | Hunde | dog
de | Katzen | cat
de | Haferdrink | milk-carton
it | tazza di ceramica | mug
it | gelato al pistacchio | soft-ice-cream
it | candele profumate | jar-candle
it | sapone artigianale | soap-bar
it | scarpe da ginnastica | running-shoe
it | cuffie | headphone
it | pane fatto in casa | bread
it | pizze | pizza
it | bottiglia di vino | wine-bottle
it | olio extravergine | oil-bottle
it | borsa di pelle | handbag
it | orologi | watch
it | fiori | bouquet blossom
it | spiaggia | beach-with-umbrella
it | cani | dog
nl | keramische mok op een houten tafel | mug
nl | fietshelm | bike-helmet
nl | geurkaars | jar-candle
nl | zeep | soap-bar
nl | koptelefoon | headphone
pl | kubek ceramiczny | mug
pl | świeca zapachowa | jar-candle
pl | mydło naturalne | soap-bar
pl | rower | bicycle
ja | 陶器のマグカップ | mug
ja | 雨の中の自転車 | bicycle
ja | 海辺の犬 | dog
ja | コーヒー | steaming-mug
zh | 雨中的自行车 | bicycle
zh | 香薰蜡烛 | jar-candle
zh | 陶瓷杯 | mug
sv | coffee mug | mug
""".strip().splitlines()

# language | words | pictograms that must not come up anywhere
NEVER = """
pt | câmera lenta de um cachorro | camera
pt | drone sobre a cidade com trilha sonora leve | trail feather
pt | caneca laranja | tangerine
pt | vestido rosa | rose
en | golden hour, slow motion, drone shot | drone gem-stone
en | an orange chair | tangerine
en | voice-over that runs over the clip | person-running
es | gorra rosa | rose
fr | robe orange | tangerine
de | mit Ton und Musik | clay-pot pottery-wheel
""".strip().splitlines()

# words that name nothing we can draw
SILENT = """
en | launch of our new brand
en | make the logo pop more
en | consulting services
en | something really nice, please
en |
pt | consultoria tributária
pt | uma coisa bem legal para a campanha
pt | plano fechado, luz natural
es | un anuncio con estilo moderno
fr | une belle image de qualité
de | ein schönes Bild in hoher Qualität
it | una bella foto di alta qualità
xx | @@@ 123 ###
""".strip().splitlines()


def _rows(table: list[str]) -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in row.split("|")) for row in table]


@pytest.mark.parametrize(("language", "words", "right"), _rows(FOUND))
def test_the_thing_itself_comes_first(language: str, words: str, right: str) -> None:
    assert art.find(words, language)[:1] in {(name,) for name in right.split()}


@pytest.mark.parametrize(("language", "words", "wrong"), _rows(NEVER))
def test_some_words_never_bring_a_picture_up(language: str, words: str, wrong: str) -> None:
    assert not set(art.find(words, language)) & set(wrong.split())


@pytest.mark.parametrize(("language", "words"), _rows(SILENT))
def test_nothing_rather_than_something_absurd(language: str, words: str) -> None:
    assert art.find(words, language) == ()


def test_the_table_is_as_wide_as_it_claims() -> None:
    rows = _rows(FOUND)
    assert len(rows) >= 150
    assert {language for language, *_ in rows} >= set(LANGUAGES)
    assert {name for *_, right in rows for name in right.split()} <= art.names()


def test_what_stands_around_follows_the_thing() -> None:
    assert art.find("caneca sobre a mesa com folhas, luz da manhã", "pt-BR") == (
        "mug",
        "table",
        "herb",
        "sunrise-over-mountains",
    )


def test_one_thing_and_many_are_the_same_thing() -> None:
    for language, one, many in (
        ("en", "candle", "candles"),
        ("en", "berry", "berries"),
        ("pt", "pao", "paes"),
        ("pt", "anel", "aneis"),
        ("es", "flor", "flores"),
        ("fr", "gateau", "gateaux"),
        ("fr", "cheval", "chevaux"),
        ("de", "kerze", "kerzen"),
        ("it", "gelato", "gelati"),
    ):
        assert stem(one, language) == stem(many, language), (language, one, many)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.sampled_from((*LANGUAGES, "xx", "pt-BR", "")))
def test_any_text_is_answered_with_known_names(text: str, language: str) -> None:
    assert set(art.find(text, language)) <= art.names()


def test_every_synonym_has_a_picture_and_every_own_drawing_a_word() -> None:
    synonyms = tomllib.loads((ART / "synonyms.toml").read_text("utf-8"))
    assert set(synonyms) - {"nothing"} <= art.names()
    assert {path.stem for path in (ART / "drawn").glob("*.svg")} <= set(synonyms)
    assert all(set(words) <= set(LANGUAGES) for words in synonyms.values())


def test_every_language_names_most_pictograms() -> None:
    for language in LANGUAGES:
        assert len(dictionary(language).named) > 850, language


def test_every_pictogram_is_a_drawing_without_text_links_or_scripts() -> None:
    for name in art.names():
        assert svg(name).startswith("<svg "), name
        assert not re.search(r"<(text|image|script|foreignObject)|href=.(?!#)|url\(http", svg(name)), name


@pytest.mark.parametrize("name", ["mug", "soap-bar", "desk-organizer", "pizza", "bicycle", "forest"])
def test_a_pictogram_is_drawn_at_any_size(name: str) -> None:
    drawn = art.draw(name, 96)
    assert (drawn.size, drawn.mode) == ((96, 96), "RGBA")
    assert drawn.getpixel((0, 0)) == (0, 0, 0, 0)
    assert sum(drawn.getchannel("A").histogram()[200:]) > 96 * 96 * 0.15


def test_a_tint_recolours_our_own_drawings_and_no_others() -> None:
    assert art.draw("mug", 32).tobytes() != art.draw("mug", 32, "#3355cc").tobytes()
    assert art.draw("pizza", 32).tobytes() == art.draw("pizza", 32, "#3355cc").tobytes()


def test_a_name_nobody_drew_is_a_damaged_install() -> None:
    with pytest.raises(Broken, match="no pictogram"):
        art.draw("no-such-thing", 32)


def test_finding_needs_no_drawing_library() -> None:
    code = (
        "import sys; from agentes.media import art, fonts; art.find('caneca', 'pt'); fonts.can_write('é');"
        "print([name for name in ('PIL', 'resvg_py', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_gathering_takes_what_is_selected_as_it_is(tmp_path: Path) -> None:
    bodies = {
        "pizza": "<path d='M0 0'/>",
        "coffin": "<g/>",
        "boy-dark": "<g/>",
        "boy": "<g/>",
        "ok-button": "<g/>",
    }
    fluent, labels = tmp_path / "fluent", tmp_path / "labels"
    fluent.mkdir()
    (fluent / "icons.json").write_text(
        json.dumps({"icons": {name: {"body": body} for name, body in bodies.items()}})
    )
    groups: dict[str, list[str]] = {"Activities": [], "Animals & Nature": [], "Travel & Places": []}
    groups |= {"Food & Drink": ["pizza"], "Objects": ["coffin"]}
    (fluent / "metadata.json").write_text(json.dumps({"categories": groups}))
    (fluent / "chars.json").write_text(json.dumps({"1f355": "pizza", "26b0": "coffin"}))
    for language in LANGUAGES:
        (labels / language).mkdir(parents=True)
        (labels / language / "data.json").write_text(
            json.dumps([{"hexcode": "1F355", "emoji": "🍕", "label": "pizza"}])
        )
    names = gather.gather_pictograms(fluent, tmp_path / "packed.zip")
    gather.gather_keywords(fluent, labels, names, tmp_path / "keywords")
    assert names == ("boy", "pizza")
    assert (tmp_path / "keywords/pt.tsv").read_text("utf-8") == "pizza\t🍕\tpizza\n"
    first = (tmp_path / "packed.zip").read_bytes()
    gather.gather_pictograms(fluent, tmp_path / "packed.zip")
    assert (tmp_path / "packed.zip").read_bytes() == first


# ── typefaces ───────────────────────────────────────────────────────────────────────────────────

LATIN = (
    "ÁÀÂÃÄÅÆÇÉÈÊËÍÎÏÑÓÔÕÖØŒÚÛÜŸß áàâãäåæçéèêëíîïñóôõöøœúûüÿ "
    "ĄĆĘŁŃŚŹŻ ąćęłńśźż ČĎĚŇŘŠŤŮŽ čďěňřšťůž ŐŰőű ĂÂÎȘȚ ăâîșț ĞİŞğış"
)
SIGNS = "0123456789 .,;:!?¿¡…–— «»“”„‘’ ()[] @#%&*+=/ €£$ · ° ×"


@pytest.mark.parametrize("style", ["text", "display", "poster"])
def test_every_style_writes_european_latin(style: fonts.Style) -> None:
    assert fonts.missing(LATIN + SIGNS, style) == ""


def test_the_text_face_also_writes_greek_and_cyrillic() -> None:
    assert fonts.can_write("Κεραμική κούπα · Керамическая кружка, їжак")


def test_what_no_font_has_is_named_once_and_in_order() -> None:
    assert fonts.missing("マグ Caneca 😍 マグ") == "マグ😍"
    assert not fonts.can_write("日本")


def test_joiners_marks_and_controls_are_not_letters() -> None:
    assert fonts.can_write("a\u200b\u0301\ufe0f\u202e\x00")
    assert fonts.visible("  e\u0301\n\tfim\u200d ") == "é fim"


def test_the_nearest_weight_is_taken() -> None:
    assert fonts.face(100).name == fonts.face(400).name == "Inter-Regular.ttf"
    assert fonts.face(650).name == "Inter-SemiBold.ttf"
    assert fonts.face(900).name == "Inter-Bold.ttf"
    assert {path.suffix for path in fonts.FOLDER.iterdir()} == {".ttf"}


def test_the_families_are_called_as_we_say() -> None:
    from PIL import ImageFont

    assert ImageFont.truetype(fonts.face(400), 12).getname() == (fonts.TEXT_FAMILY, "Regular")
    assert ImageFont.truetype(fonts.face(700), 12).getname() == (fonts.TEXT_FAMILY, "Bold")
    assert str(ImageFont.truetype(fonts.face(style="display"), 12).getname()[0]).startswith(
        fonts.DISPLAY_FAMILY
    )


def test_coverage_agrees_with_the_font_library() -> None:
    from PIL import ImageFont

    for path in sorted(fonts.FOLDER.iterdir()):
        font, known = ImageFont.truetype(path, 24), coverage(path)
        box = bytes(font.getmask("\U0010fffe"))
        for code in range(0x21, 0x500, 7):
            if not chr(code).isalpha() or unicodedata.decomposition(chr(code)):
                continue  # what can be built from parts is drawn even without a shape of its own
            assert (bytes(font.getmask(chr(code))) != box) == (code in known), f"{path.name}: {code:#x}"


def test_a_file_that_is_no_font_is_a_damaged_install(tmp_path: Path) -> None:
    (tmp_path / "no.ttf").write_bytes(b"\0\1\0\0" + bytes(60))
    with pytest.raises(Broken, match="not a font"):
        coverage(tmp_path / "no.ttf")


# ── what is shipped ─────────────────────────────────────────────────────────────────────────────


def test_notice_names_every_borrowed_file_with_its_sum() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    named = {path: digest for digest, path in re.findall(r"^ +([0-9a-f]{64})  (\S+)$", notice, re.MULTILINE)}
    borrowed = [*fonts.FOLDER.iterdir(), ART / "pictograms.zip", *(ART / "keywords").iterdir()]
    assert set(named) == {str(path.relative_to(ROOT)) for path in borrowed}
    for path, digest in named.items():
        assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == digest, path
    for licence in re.findall(r"\((agentes/\S+\.txt)\)", notice):
        assert (ROOT / licence).stat().st_size > 900


def test_what_is_shipped_stays_small() -> None:
    def megabytes(folder: Path) -> float:
        return sum(path.stat().st_size for path in folder.rglob("*") if "__pycache__" not in path.parts) / 1e6

    assert megabytes(ART) < 4
    assert megabytes(fonts.FOLDER) < 3
