"""The brief laid out: its pieces, sentences and segments, what each word can mean, and who claimed it."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.brief.language import best, scores
from orchestrator.brief.lexicon import Tag, lexicon, loanwords, shared
from orchestrator.brief.quotes import Quote, find_quotes
from orchestrator.brief.spelling import forgiven
from orchestrator.brief.text import CleanText
from orchestrator.brief.tokens import Kind, Token, tokenise

__all__ = ["Mark", "Page", "lay_out"]

_SENTENCE_ENDS = frozenset(".!?;…")
_SEGMENT_ENDS = frozenset(",:()[]–—•*|→{}><¿¡")
_FOREIGN_MARGIN = 1.4
_ALWAYS_SEEN = frozenset({"shun", "without"})
_COVERS_NOTHING = frozenset(
    {"limits", "secrets", "pretend", "ignore", "leak", "say_link", "offtopic", "laid"}
)


@dataclass(slots=True, eq=False)
class Mark:
    """A stretch of tokens that was understood: what kind of fact it is, and its value."""

    kind: str
    first: int
    end: int
    value: str = ""
    number: float = 0.0
    means: str = ""


@dataclass(slots=True, eq=False)
class Page:
    """Everything the later steps look at; they claim tokens, so that no word counts twice."""

    source: CleanText
    tokens: list[Token]
    quotes: list[Quote]
    hidden: list[bool]
    sentence: list[int]
    segment: list[int]
    language: str = "en"
    languages: list[str] = field(default_factory=list)
    tags: list[dict[str, Tag]] = field(default_factory=list)
    endings: list[list[int]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    owner: list[Mark | None] = field(default_factory=list)
    _segments: list[range] = field(init=False)
    _sentences: list[range] = field(init=False)

    def __post_init__(self) -> None:
        self._segments, self._sentences = _runs(self.segment), _runs(self.sentence)

    @property
    def size(self) -> int:
        return len(self.tokens)

    def language_of(self, at: int) -> str:
        return self.languages[at]

    def tag(self, at: int, category: str) -> Tag | None:
        """The phrase of this category that starts here, if any."""
        return self.tags[at].get(category) if 0 <= at < self.size else None

    def has(self, at: int, *categories: str) -> bool:
        tags = self.tags[at] if 0 <= at < len(self.tags) else {}
        return bool(tags) and not tags.keys().isdisjoint(categories)

    def value(self, at: int, category: str) -> str:
        return self.tags[at][category].value

    def end(self, at: int, category: str) -> int:
        return self.tags[at][category].end

    def before(self, at: int, *categories: str) -> int | None:
        """Where the longest phrase of one of these categories starts that ends just before `at`."""
        if not 0 < at <= self.size:
            return None
        for start in self.endings[at]:
            for category in categories:
                tag = self.tags[start].get(category)
                if tag and tag.end == at:
                    return start
        return None

    def skip(self, at: int, *categories: str) -> int:
        """The place after all phrases of these categories that stand here one after another."""
        while at < self.size:
            ends = [self.end(at, category) for category in categories if self.has(at, category)]
            if not ends:
                break
            at = max(ends)
        return at

    def word(self, at: int) -> str:
        return self.tokens[at].word if 0 <= at < self.size and not self.hidden[at] else ""

    def free(self, first: int, end: int) -> bool:
        """Whether nobody claimed any of these tokens and none is quoted or hidden."""
        return first >= 0 and all(
            self.owner[at] is None and not self.hidden[at] for at in range(first, min(end, self.size))
        )

    def claim(
        self, kind: str, first: int, end: int, value: str = "", number: float = 0.0, means: str = ""
    ) -> Mark:
        """Writes down a fact over these tokens."""
        mark = Mark(kind, first, end, value, number, means)
        self.marks.append(mark)
        for at in range(first, end):
            self.owner[at] = mark
        return mark

    def of(self, *kinds: str) -> list[Mark]:
        """The marks of these kinds in the order of the text."""
        return sorted((mark for mark in self.marks if mark.kind in kinds), key=lambda mark: mark.first)

    def drop(self, mark: Mark) -> None:
        self.marks.remove(mark)
        for at in range(mark.first, mark.end):
            if self.owner[at] is mark:
                self.owner[at] = None

    def segment_start(self, at: int) -> int:
        return self._segments[at].start

    def segment_end(self, at: int) -> int:
        return self._segments[at].stop if at < self.size else at

    def sentence_range(self, at: int) -> range:
        return self._sentences[at]

    def hide(self, first: int, end: int) -> None:
        """Takes tokens out of every later reading."""
        for at in range(first, end):
            self.hidden[at] = True
            self.tags[at] = {}
        for at in range(first, min(end + 1, self.size + 1)):
            self.endings[at] = [start for start in self.endings[at] if not self.hidden[start]]

    def words_in(self, first: int, end: int) -> str:
        """The text between two tokens as it was written, cleaned."""
        parts = [
            self.tokens[at].gap + self.tokens[at].text if at > first else self.tokens[at].text
            for at in range(first, end)
        ]
        return "".join(parts)


def _runs(numbers: list[int]) -> list[range]:
    """For every place the stretch of equal numbers around it."""
    runs: list[range] = []
    while len(runs) < len(numbers):
        first = end = len(runs)
        while end < len(numbers) and numbers[end] == numbers[first]:
            end += 1
        runs += [range(first, end)] * (end - first)
    return runs


def lay_out(source: CleanText) -> Page:
    """Cuts a brief into pieces, tells its languages and looks every phrase up."""
    tokens = tokenise(source)
    quotes = find_quotes(tokens)
    hidden = [False] * len(tokens)
    for quote in quotes:
        for at in range(quote.first, quote.end):
            hidden[at] = True
    sentence, segment = _cut(tokens, quotes, hidden)
    page = Page(source, tokens, quotes, hidden, sentence, segment)
    _tell_languages(page)
    _look_up(page)
    page.owner = [None] * page.size
    return page


def _cut(tokens: list[Token], quotes: list[Quote], hidden: list[bool]) -> tuple[list[int], list[int]]:
    sentences: list[int] = []
    segments: list[int] = []
    sentence = segment = 0
    spoken = {quote.end - 1 for quote in quotes if quote.ends_sentence}
    for at, token in enumerate(tokens):
        if hidden[at]:
            sentences.append(sentence)
            segments.append(segment)
            if at in spoken and _opens(tokens, at + 1):
                sentence, segment = sentence + 1, segment + 1
            continue
        ends = _ends_sentence(tokens, at)
        parts = token.kind is Kind.MARK and token.text in _SEGMENT_ENDS and not _within_figures(tokens, at)
        dash = token.text in "-+" and token.kind is Kind.MARK and not token.glued
        if (parts or dash or ends) and (not segments or segments[-1] == segment):
            segment += 1
        sentences.append(sentence)
        segments.append(segment)
        if parts or dash or ends:
            segment += 1
        if ends:
            sentence += 1
    return sentences, segments


def _within_figures(tokens: list[Token], at: int) -> bool:
    """Whether this colon stands inside a ratio or a time: 16:9, 1:30."""
    if tokens[at].text != ":" or not 0 < at < len(tokens) - 1:
        return False
    left, right = tokens[at - 1], tokens[at + 1]
    return left.kind is right.kind is Kind.NUMBER and tokens[at].glued and right.glued


def _ends_sentence(tokens: list[Token], at: int) -> bool:
    token = tokens[at]
    if token.kind is Kind.LINE:
        return token.text.count("\n") > 1 or _opens(tokens, at + 1)
    if token.kind is not Kind.MARK or token.text not in _SENTENCE_ENDS:
        return False
    if token.text != ".":
        return True
    if at + 1 < len(tokens) and tokens[at + 1].glued and tokens[at + 1].kind is not Kind.LINE:
        return False
    short = at > 0 and tokens[at - 1].word in shared("shortened")["words"] and token.glued
    return not short or (at + 1 < len(tokens) and tokens[at + 1].kind is Kind.LINE)


def _opens(tokens: list[Token], at: int) -> bool:
    """Whether a new sentence or list item may start with this token."""
    if at >= len(tokens):
        return True
    token = tokens[at]
    return not token.is_word or token.text[0].isupper() or len(token.text) == 1


def _tell_languages(page: Page) -> None:
    visible = [token for token, hidden in zip(page.tokens, page.hidden, strict=True) if not hidden]
    total = scores(visible)
    if not any(total.values()):
        total = scores(page.tokens)
    page.language = best(total, "en")
    page.languages = [page.language] * page.size
    first = 0
    while first < page.size:
        end = page.segment_end(first)
        own = [page.tokens[at] for at in range(first, end) if not page.hidden[at]]
        if len(own) > 1:
            language = best(scores(own), page.language, _FOREIGN_MARGIN)
            if language != page.language:
                page.languages[first:end] = [language] * (end - first)
        first = end


def _look_up(page: Page) -> None:
    page.tags = [{} for _ in range(page.size)]
    page.endings = [[] for _ in range(page.size + 1)]
    covered = 0
    for at in range(page.size):
        if page.hidden[at] or page.tokens[at].kind is Kind.LINE:
            continue
        found = lexicon(page.languages[at]).tags(page.tokens, at)
        if at < covered:
            found = {name: tag for name, tag in found.items() if tag.end > covered and name in _ALWAYS_SEEN}
            if not found:
                continue
        if not found and page.tokens[at].is_word:
            found = _borrowed(page, at) or forgiven(page.languages[at], page.tokens[at].word, at)
        if not found:
            continue
        page.tags[at] = found
        for tag in found.values():
            if at not in page.endings[tag.end]:
                page.endings[tag.end].append(at)
        longest = max((tag.end for name, tag in found.items() if name not in _COVERS_NOTHING), default=0)
        covered = max(covered, longest) if longest > at + 1 else covered


def _borrowed(page: Page, at: int) -> dict[str, Tag]:
    for language in dict.fromkeys((page.language, "en")):
        if language != page.languages[at]:
            found = loanwords(language).tags(page.tokens, at)
            if found:
                return found
    return {}
