"""Every word for a picture, a clip or a voice: chains such as "TikTok video clip" are one."""

from __future__ import annotations

from orchestrator.brief.lexicon import shared
from orchestrator.brief.nouns import Noun, look_left
from orchestrator.brief.page import Page
from orchestrator.brief.scenes import timed_scene

__all__ = ["find_nouns"]

_VISUAL_NETWORKS = {"reels": "video", "tiktok": "video", "shorts": "video", "stories": "generic"}
_HEAD_LAST = frozenset({"en", "de"})


def find_nouns(page: Page) -> list[Noun]:
    """All media words in order; chains such as "TikTok video clip" count as one."""
    nouns: list[Noun] = []
    at = 0
    while at < page.size:
        noun = None if _is_verb(page, at) else _noun_at(page, at)
        if noun is None:
            at += 1
            continue
        look_left(page, noun)
        nouns.append(noun)
        at = noun.end
    return nouns


def _is_verb(page: Page, at: int) -> bool:
    """ "toma esa foto": a word for a shot that here means to take something up."""
    return page.has(at, "take") and page.has(page.end(at, "take"), "demonstrative", "definite", "possessive")


def _noun_at(page: Page, at: int) -> Noun | None:
    links: list[tuple[str, int, int]] = []
    place = at
    while place < page.size and page.owner[place] is None and page.segment[place] == page.segment[at]:
        if not links and timed_scene(page, place):
            links.append(("video+", place, page.end(place, "scene")))
        elif page.has(place, "network_alone") and links and links[-1][0].startswith("video"):
            end = page.end(place, "network_alone")  # "a video story", but a photo story is told in pictures
            links.append((f"network {page.value(place, 'network_alone')}", place, end))
        elif page.has(place, "medium") and not page.has(place, "versions"):
            links.append((page.value(place, "medium"), place, page.end(place, "medium")))
        elif page.has(place, "network") and (links or _network_heads(page, place)):
            links.append((f"network {page.value(place, 'network')}", place, page.end(place, "network")))
        else:
            break
        place = links[-1][2]
    media = [link for link in links if not link[0].startswith("network")]
    networks = [link[0].removeprefix("network ") for link in links if link[0].startswith("network")]
    if not links or (not media and networks[0] not in _VISUAL_NETWORKS):
        return None
    head = _head(page, media) if media else links[0]
    value = head[0] if media else _VISUAL_NETWORKS[networks[0]]
    medium = value.rstrip("?+")
    thumbnail = any(page.word(link[1]) in shared("thumbnail")["words"] for link in media)
    thumbnail = thumbnail or (medium == "photo" and page.has(head[1], "cover") and _is_for_video(page, place))
    noun = Noun(medium, head[1], place, at, "?" in value, "+" in value, thumbnail=thumbnail)
    noun.network = networks[0] if networks else ""
    if not media:
        noun.weak = True
    return noun


def _is_for_video(page: Page, at: int) -> bool:
    """ "a cover for our YouTube video": what stands for a clip has the clip's shape."""
    place = page.skip(at, "for", "of", "article", "definite", "possessive", "demonstrative", "network")
    return place > at and page.has(place, "medium") and page.value(place, "medium").startswith("video")


def _network_heads(page: Page, at: int) -> bool:
    """Whether a network may stand for the thing itself ("two TikToks") or begins "TikTok video"."""
    after = page.end(at, "network")
    return page.value(at, "network") in _VISUAL_NETWORKS or page.has(after, "medium")


def _head(page: Page, media: list[tuple[str, int, int]]) -> tuple[str, int, int]:
    if page.language_of(media[0][1]) in _HEAD_LAST:
        strong = [link for link in media if "?" not in link[0]]
        last = media[-1]
        return (
            last if "?" not in last[0] or not strong or _medium(last) != _medium(strong[-1]) else strong[-1]
        )
    return media[0]


def _medium(link: tuple[str, int, int]) -> str:
    return link[0].rstrip("?+")
