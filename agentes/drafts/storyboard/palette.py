"""Five colours that belong together: the brief's own, completed, or a set chosen for the subject."""

from __future__ import annotations

from dataclasses import dataclass

from agentes.drafts.storyboard.colour import Colour, difference, mix, parse

__all__ = ["Palette", "choose"]

_NEUTRAL = 0.035  # chroma below which a colour counts as black, white or grey

# paper, mist, tone, accent, ink
_SETS = (
    ("#f7ebdf", "#f0cdb0", "#dd9068", "#2c6e72", "#2b2534"),
    ("#f2f1e6", "#d2dfc8", "#93b18d", "#e07a5f", "#22382e"),
    ("#f4eef8", "#d9caec", "#a58dcb", "#f2a65a", "#2d2346"),
    ("#e9f4f6", "#bbdee5", "#70b4c6", "#f2705e", "#14323f"),
    ("#fff6e0", "#fbdf9c", "#f0b64a", "#456ca3", "#33271d"),
    ("#fdeeeb", "#f7ccc5", "#e8968d", "#3b7068", "#391f2b"),
    ("#eaf7f0", "#b9e4d0", "#6dc1a2", "#f4845f", "#1c3a37"),
    ("#f5ece3", "#e0c5ad", "#b8875e", "#24527d", "#211b18"),
    ("#ebf2fc", "#bfd5f3", "#7ea7df", "#ffae63", "#1b2a4a"),
    ("#f4f2e3", "#dbd8aa", "#a5a85f", "#dd6488", "#2d2f1c"),
    ("#f7ecf3", "#e5bed6", "#bb6c9e", "#4ba292", "#33162c"),
    ("#faf2e4", "#f0dbb5", "#d9af6e", "#1f8688", "#2a2420"),
    ("#fff2ea", "#ffd2bd", "#f37f62", "#79304e", "#2b1521"),
    ("#edf1f4", "#c9d6e0", "#8aa3b6", "#e8a33d", "#1c2732"),
)


@dataclass(frozen=True)
class Palette:
    """From the lightest to the darkest, and one colour to catch the eye."""

    paper: Colour
    mist: Colour
    tone: Colour
    accent: Colour
    ink: Colour

    @property
    def night(self) -> Palette:
        """The same colours after sunset: whatever was warm turns towards blue."""
        hue = mix(self.tone.at(chroma=0.05), Colour(0.4, 0.09, 278.0), 0.72).hue
        return Palette(
            Colour(0.60, 0.060, hue),
            Colour(0.45, 0.075, hue),
            Colour(0.345, 0.075, hue),
            self.accent.at(light=max(self.accent.light, 0.76)),
            Colour(0.185, 0.045, hue),
        )

    @property
    def chalk(self) -> Colour:
        """For letters on dark ground."""
        return self.paper.at(0.985, 0.012)

    @property
    def coal(self) -> Colour:
        """For letters on light ground."""
        return self.ink.at(light=min(self.ink.light, 0.27))

    def letters_on(self, ground: Colour) -> Colour:
        """Chalk or coal, whichever is easier to read there."""
        return self.coal if ground.light > 0.66 else self.chalk

    def between(self, one: str, other: str, share: float) -> str:
        """A mixture of two of the five, by name, as hex."""
        return mix(getattr(self, one), getattr(self, other), share).hex

    def behind(self, figure: Colour) -> Colour:
        """The colour on which a figure stands out; the softer ones first, if they are far enough away."""
        choices = (self.mist, self.tone, self.paper, self.accent, mix(self.tone, self.ink, 0.45))
        for choice in choices:
            if difference(choice, figure) > 0.17:
                return choice
        return max(choices, key=lambda choice: difference(choice, figure))


def choose(wishes: tuple[str, ...], number: int, figure: Colour | None) -> Palette:
    """The palette of the brief's colours, else one for this number on which the figure stands out."""
    given = [colour for wish in wishes if (colour := parse(wish))]
    if given:
        return _complete(given)
    candidates = [_palette_of(_SETS[(number + step * 5) % len(_SETS)]) for step in range(3)]
    if figure is None:
        return candidates[0]
    return max(candidates, key=lambda each: min(difference(each.mist, figure), 0.3))


def _palette_of(hexes: tuple[str, ...]) -> Palette:
    paper, mist, tone, accent, ink = (colour for text in hexes if (colour := parse(text)))
    return Palette(paper, mist, tone, accent, ink)


def _complete(given: list[Colour]) -> Palette:
    """Keeps the brief's first two colours recognisable and derives the quiet ones from them."""
    vivid = [colour for colour in given if colour.chroma >= _NEUTRAL]
    if not vivid:
        return _greys(given)
    lead = vivid[0]
    tone = lead.at(light=min(max(lead.light, 0.52), 0.80), chroma=max(min(lead.chroma, 0.15), 0.06))
    others = [colour for colour in vivid[1:] if difference(colour, lead) > 0.08]
    accent = others[0] if others else _partner(lead)
    if others and abs(accent.light - tone.light) < 0.10 and difference(accent, tone) < 0.15:
        accent = accent.at(light=accent.light - 0.18)
    pale = [colour for colour in given if colour.light > 0.86]
    dark = [colour for colour in given if colour.light < 0.34]
    paper = pale[0].at(light=max(pale[0].light, 0.93)) if pale else tone.at(0.957, 0.018)
    ink = dark[0].at(light=min(dark[0].light, 0.28)) if dark else tone.at(0.255, 0.045)
    return Palette(paper, mix(paper, tone, 0.42).at(light=0.865), tone, accent, ink)


def _partner(lead: Colour) -> Colour:
    """The accent that flatters a hue: coral for greens, amber for blues and violets, teal for what is warm."""
    if 100 <= lead.hue < 235:
        return Colour(0.69, 0.155, 35.0)
    if 235 <= lead.hue < 345:
        return Colour(0.79, 0.135, 72.0)
    return Colour(0.52, 0.085, 200.0)


def _greys(given: list[Colour]) -> Palette:
    """Black, white and grey alone, warmed by a little brass."""
    middle = given[0].at(light=min(max(given[0].light, 0.55), 0.78), chroma=0.008)
    warm = Colour(0.955, 0.008, 80.0)
    return Palette(
        warm, Colour(0.875, 0.010, 80.0), middle, Colour(0.70, 0.095, 78.0), Colour(0.21, 0.010, 70.0)
    )
