"""What Runway's models take on each endpoint, as the types of its SDK (runwayml 5.24.0) have it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PICTURES", "QUALITIES", "RESOLUTIONS", "VIDEOS", "Sheet"]


class Sheet(NamedTuple):
    """What one model takes on one endpoint: its fields (`*` must be there), sizes, lengths, prompt, references."""

    fields: str
    ratios: str = ""
    lengths: tuple[int, ...] = tuple(range(1, 61))
    prompt: int = 100_000
    pictures: int = 30


_ANY = tuple(range(1, 61))
_TWO_TO_TEN, _THREE_TO_TEN = tuple(range(2, 11)), tuple(range(3, 11))
_THREE_TO_15, _FOUR_TO_15, _FOUR_TO_30 = tuple(range(3, 16)), tuple(range(4, 16)), tuple(range(4, 31))
_HD = "1280:720 720:1280"
_FULL_HD = "1920:1080 1080:1920"
_GEN4 = f"{_HD} 1104:832 832:1104 960:960 1584:672"
_KLING = {"standard": f"{_HD} 960:960", "pro": f"{_FULL_HD} 1440:1440", "4k": "3840:2160 2160:3840 2880:2880"}
_KLING_4 = f"{_HD} 940:940 1460:624 {_FULL_HD} 1440:1440 2200:940 auto_720p auto_1080p"
_SEED_720 = "1470:630 1280:720 1112:834 960:960 834:1112 720:1280"
_SEED_1080 = "2206:946 1920:1080 1664:1248 1440:1440 1248:1664 1080:1920"
_SEED_LOW = f"992:432 864:496 752:560 640:640 560:752 496:864 {_SEED_720}"
_SEED_HIGH = f"{_SEED_LOW} {_SEED_1080} 3840:1646 3840:2160 3840:2880 3840:3840 2880:3840 2160:3840"
_SEED_2_5 = f"992:432 854:480 752:560 640:640 560:752 480:854 {_SEED_720} {_SEED_1080}"
_OMNI_1_1 = f"640:360 360:640 {_HD} {_FULL_HD} 3840:2160 2160:3840"
_WAN = (
    f"832:480 720:544 624:624 544:720 480:832 {_HD} 1104:832 960:960 832:1104 {_FULL_HD} "
    "1648:1248 1440:1440 1248:1648 auto_480p auto_720p auto_1080p"
)
_HAPPY = f"{_HD} 960:960 1108:832 832:1108 {_FULL_HD} 1440:1440 1662:1248 1248:1662"
_GROK = (
    "848:480 480:848 480:480 640:480 480:640 720:480 480:720 1280:720 720:1280 720:720 960:720 720:960 1088:720 "
    "720:1088 1904:1072 1072:1904 1424:1424 1648:1232 1232:1648 1744:1152 1152:1744"
)
_WORDS = "adaptive 21:9 16:9 4:3 1:1 3:4 9:16"
_GROK_WORDS = "1:1 16:9 9:16 4:3 3:4 3:2 2:3"
_GEN4_MORE = "contentModeration seed"
_MASTERS = "outputFormat proresProfile"
_SEED_MORE = "audio duration ratio seed referenceAudio"
_MORE_MEDIA = "referenceAudio referenceVideos references"
_KLING_MORE = "audio duration promptText providerSettings"

_Book = dict[str, Sheet]


def _veo(image: str) -> _Book:
    text = "promptText" if image else "promptText*"
    sheet = Sheet(
        f"{text} ratio* audio duration negativePrompt seed {image}", f"{_HD} {_FULL_HD}", (4, 6, 8), 1000
    )
    return {"veo3.1": sheet, "veo3.1_fast": sheet}


def _kling(image: str) -> _Book:
    ratio = "ratio" if image else "ratio*"
    three = f"{_KLING_MORE} cfgScale {ratio} {image}"
    omni = f"{_KLING_MORE} {ratio} {image} {'references' if image else ''}"
    book = {f"kling3.0_{tier}": Sheet(three, sizes, _THREE_TO_15) for tier, sizes in _KLING.items()}
    return book | {f"klingO3_{tier}": Sheet(omni, sizes, _THREE_TO_15) for tier, sizes in _KLING.items()}


def _seedance(source: str, more: str, draft: str) -> _Book:
    prompt = "promptText*" if not source else "promptText"
    two = f"{prompt} {_SEED_MORE} {source} {more}"
    five = f"promptText {_SEED_MORE} {source} {more} draft outputFormat {draft}"
    return {
        "seedance2": Sheet(two, _SEED_HIGH, _FOUR_TO_15, 3500),
        "seedance2_fast": Sheet(two, _SEED_LOW, _FOUR_TO_15, 3500),
        "seedance2_mini": Sheet(two, _SEED_LOW, _FOUR_TO_15, 3500),
        "seedance2_5": Sheet(five, _SEED_2_5, _FOUR_TO_30, 15_000),
    }


_EDITS_LIKE_OMNI = Sheet("promptText* promptVideo* providerSettings references")

VIDEOS: dict[str, _Book] = {
    "text_to_video": {
        "gen4.5": Sheet(f"promptText* ratio* duration* {_GEN4_MORE} {_MASTERS}", _HD, _TWO_TO_TEN, 1000),
        **_veo(""),
        **_kling(""),
        "kling2.5_turbo_pro": Sheet(
            "promptText* ratio duration cfgScale", f"{_HD} {_FULL_HD} 1440:1440 720:720", (5, 10)
        ),
        "kling_4": Sheet("promptText* ratio duration references referenceVideos", _KLING_4),
        **_seedance("", "referenceVideos references", "draftTaskId"),
        "gemini_omni_flash": Sheet("promptText* ratio duration", _HD, _THREE_TO_TEN),
        "gemini_omni_flash_1.1": Sheet(
            "promptText* ratio duration references referenceVideos", _OMNI_1_1, _THREE_TO_TEN
        ),
        "hailuo3": Sheet(f"promptText* ratio duration resolution {_MORE_MEDIA}", _WORDS),
        "h3_max": Sheet("promptText* duration resolution promptExpansionMode seed"),
        "wan3": Sheet(f"promptText* audio duration ratio {_MORE_MEDIA}", _WAN),
        "wan3_prime": Sheet(f"promptText* audio duration ratio {_MORE_MEDIA}", _WAN),
        "grok_imagine_1_5": Sheet(
            "promptText* duration ratio resolution references referenceAudio", _GROK_WORDS
        ),
        "grok_imagine_1_5_lite": Sheet("promptText* duration ratio", _GROK),
        "happyhorse_1_0": Sheet("promptText* duration ratio", _HAPPY, _ANY, 2500),
    },
    "image_to_video": {
        "gen4.5": Sheet(
            f"promptText* promptImage* ratio* duration* {_GEN4_MORE} {_MASTERS}", _GEN4, _TWO_TO_TEN, 1000
        ),
        "gen4_turbo": Sheet(
            f"promptText promptImage* ratio* duration {_GEN4_MORE}", _GEN4, _TWO_TO_TEN, 1000
        ),
        **_veo("promptImage*"),
        **_kling("promptImage*"),
        "kling2.5_turbo_pro": Sheet("promptText* promptImage* duration cfgScale", "", (5, 10)),
        "kling_4": Sheet(
            "promptText promptImage* ratio duration references referenceVideos", "auto_720p auto_1080p"
        ),
        **_seedance("promptImage*", "", ""),
        "gemini_omni_flash": Sheet("promptText promptImage* ratio duration", _HD, _THREE_TO_TEN),
        "gemini_omni_flash_1.1": Sheet("promptText* promptImage* ratio duration", _OMNI_1_1, _THREE_TO_TEN),
        "hailuo3": Sheet("promptText* promptImage* ratio duration resolution referenceAudio", _WORDS),
        "h3_max": Sheet("promptText* promptImage* duration resolution promptExpansionMode seed"),
        "wan3": Sheet("promptText* promptImage* audio duration ratio referenceAudio referenceVideos", _WAN),
        "wan3_prime": Sheet(
            "promptText* promptImage* audio duration ratio referenceAudio referenceVideos", _WAN
        ),
        "grok_imagine_1_5": Sheet("promptText promptImage* duration resolution"),
        "grok_imagine_1_5_lite": Sheet(
            "promptText promptImage* duration ratio", "auto_480p auto_720p auto_1080p"
        ),
        "happyhorse_1_0": Sheet("promptText promptImage* duration resolution", "", _ANY, 2500),
    },
    "video_to_video": {
        "aleph2": Sheet(f"promptText videoUri* keyframes ratio targetAspectRatio {_GEN4_MORE} {_MASTERS}"),
        "klingO3_standard": _EDITS_LIKE_OMNI,
        "klingO3_pro": _EDITS_LIKE_OMNI,
        "klingO3_4k": _EDITS_LIKE_OMNI,
        "kling_4": Sheet("promptText* videoUri* ratio references", "auto_720p auto_1080p"),
        **_seedance("promptVideo*", "referenceVideos references", "mode"),
        "gemini_omni_flash": Sheet("promptText* videoUri* references"),
        "gemini_omni_flash_1.1": Sheet(
            "promptText* videoUri* mode ratio duration references", _OMNI_1_1, _THREE_TO_TEN
        ),
        "hailuo3": Sheet(f"promptText* promptVideo* ratio duration resolution {_MORE_MEDIA}", _WORDS),
    },
}
RESOLUTIONS = {
    "hailuo3": ("768p", "2k", "768P", "2K"),
    "h3_max": ("480p", "768p"),
    "grok_imagine_1_5": ("480p", "720p", "1080p"),
    "happyhorse_1_0": ("720p", "1080p", "720P", "1080P"),
}

# ── pictures ───────────────────────────────────────────────────────────────────────────────────

_GEN4_PICTURES = (
    "1024:1024 1080:1080 1168:880 1360:768 1440:1080 1080:1440 1808:768 1920:1080 1080:1920 2112:912 "
    "1280:720 720:1280 720:720 960:720 720:960 1680:720"
)
_DREAM_2K = "2048:2048 2304:1728 1728:2304 2496:1664 1664:2496"
_DREAM_WIDE = "2848:1600 1600:2848 3136:1344"
_MANY = "outputCount referenceImages"

PICTURES: _Book = {
    "gen4_image": Sheet(
        f"promptText* ratio* referenceImages {_GEN4_MORE}", _GEN4_PICTURES, prompt=1000, pictures=3
    ),
    "gen4_image_turbo": Sheet(
        f"promptText* ratio* referenceImages* {_GEN4_MORE}", _GEN4_PICTURES, prompt=1000, pictures=3
    ),
    "seedream5_pro": Sheet(
        f"promptText* ratio* grounding outputFormat {_MANY}",
        "1024:1024 1184:896 896:1184 1376:768 768:1376 1296:864 864:1296 "
        f"{_DREAM_2K} 2720:1530 1530:2720 auto_1k auto_2k",
        prompt=4000,
    ),
    "seedream5_flash": Sheet(
        f"promptText* ratio* outputFormat {_MANY}",
        "1024:1024 1184:896 896:1184 1376:768 768:1376 1248:832 832:1248 1568:672 "
        f"{_DREAM_2K} {_DREAM_WIDE} auto_1k auto_2k",
    ),
    "seedream5_lite": Sheet(
        f"promptText* ratio* grounding outputFormat {_MANY}",
        f"{_DREAM_2K} {_DREAM_WIDE} 3072:3072 3456:2592 2592:3456 4096:2304 2304:4096 3744:2496 2496:3744 4704:2016",
        prompt=4000,
    ),
    "grok_imagine_image_2": Sheet(
        f"promptText* ratio* edit quality {_MANY}",
        "1024:1024 1280:720 720:1280 1152:864 864:1152 1248:832 832:1248 1248:576 576:1248 1280:576 576:1280 "
        "1408:704 704:1408 2048:2048 2816:1584 1584:2816 2368:1776 1776:2368 2496:1664 1664:2496 2912:1344 "
        "1344:2912 3200:1440 1440:3200 2912:1456 1456:2912 auto_1k auto_2k",
        pictures=3,
    ),
    "ideogram_4_0": Sheet(
        f"promptText* ratio quality {_MANY}",
        f"{_DREAM_2K} 2560:1440 1440:2560 3072:1280 1280:3072",
        pictures=1,
    ),
    "ideogram_4_5": Sheet(
        f"promptText* ratio quality maskUri preciseEdit {_MANY}",
        f"{_DREAM_2K} 1024:1024 1280:720 720:1280 1152:864 864:1152 1248:832 832:1248 1120:896 896:1120 1440:720 "
        "720:1440 2560:1440 1440:2560 2240:1792 1792:2240 2880:1440 1440:2880 1024:576 576:1024 1408:704 704:1408 auto",
        pictures=5,
    ),
    "bria_fibo_1_5": Sheet(
        "promptText* ratio* outputFormat referenceImages seed",
        "1024:1024 768:1152 1152:768 768:1024 1024:768 768:960 960:768 576:1024 1024:576 2048:2048 1536:2304 "
        "2304:1536 1536:2048 2048:1536 1536:1920 1920:1536 1152:2048 2048:1152",
        pictures=1,
    ),
    "recraft_v4_1_flash": Sheet(
        "promptText* ratio* backgroundColor colors outputCount outputFormat seed",
        "1024:1024 1536:768 768:1536 1280:832 832:1280 1216:896 896:1216 1152:896 896:1152 832:1344 1280:896 "
        "896:1280 1344:768 768:1344",
    ),
}
QUALITIES = {
    "grok_imagine_image_2": ("low", "medium"),
    "ideogram_4_0": ("low", "medium", "high"),
    "ideogram_4_5": ("very_low", "low", "medium", "high"),
}
