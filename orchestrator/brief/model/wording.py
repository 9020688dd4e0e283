"""A plan of the rules with a model's words in it; what is made, how long and in which shape stays the rules'."""

from __future__ import annotations

from collections.abc import Mapping

from agentes.video_agent.wording import retell_shot
from orchestrator.brief.model.answer import (
    LONGEST_SCENE,
    LONGEST_SCRIPT,
    LONGEST_STYLE,
    AssetAnswer,
    read_answer,
)
from orchestrator.brief.model.question import facts_of
from orchestrator.brief.model.scruples import flaw_in, flaw_in_script
from shared_knowledge.vocabulary import AssetWords, PhotoSpec, Plan, Spec, Task, VideoSpec, VoiceSpec, Words

__all__ = ["reworded", "words_in"]

_STALE = ("The words written for {task} take about ", "The words of {task} do not name ")


def words_in(text: str, plan: Plan, *, model: str, subject: str, brief: str) -> Words:
    """What of an answer may be used for a plan of the rules; Nonsense where it is no answer to it."""
    answers = {asset.id: asset for asset in read_answer(text).assets}
    warnings: list[str] = []
    unknown = sorted(answers.keys() - {task.id for task in plan.tasks})
    if unknown:
        warnings.append(f"{model} wrote for {unknown[0]}, which is not planned; that is not used.")
    taken = []
    for task in (task for task in plan.tasks if task.id in answers):
        sieve = _Sieve(plan, task, subject)
        taken.append(sieve.taken(answers[task.id]))
        warnings += [
            f"{model} wrote for {task.id}, but {flaw}: the rules' words stay." for flaw in sieve.flaws
        ]
    kept = tuple(words for words in taken if words.scene or words.shots or words.script or words.style)
    return Words(brief=brief, model=model, assets=kept, warnings=tuple(warnings))


def reworded(plan: Plan, words: Words) -> Plan:
    """The plan, saying what a model wrote for exactly these facts; whatever it wrote for others is left aside."""
    written = {each.of: each for each in words.assets}
    tasks, told = [], []
    for task in plan.tasks:
        own = written.get(facts_of(task.spec))
        spec = _with(task.spec, own) if own else task.spec
        tasks.append(task.model_copy(update={"spec": spec}))
        if spec != task.spec:
            told.append(task.id)
    retold = [task.id for task in tasks if isinstance(task.spec, VoiceSpec) and task.id in told]
    stale = tuple(each.format(task=name) for each in _STALE for name in retold) or ("\0",)
    said = (f"{words.model} worded {', '.join(told)}; every stated fact is the brief's.",) if told else ()
    return plan.model_copy(
        update={
            "tasks": tuple(tasks),
            "words": words,
            "assumptions": (*(each for each in plan.assumptions if not each.startswith(stale)), *said),
            "warnings": (
                *(each for each in plan.warnings if not each.startswith(stale)),
                *(each for each in words.warnings if each not in plan.warnings),
            ),
        }
    )


def _with(spec: Spec, words: AssetWords) -> Spec:
    match spec:
        case PhotoSpec() if words.scene:
            return spec.model_copy(update={"scene": ", ".join(filter(None, (spec.scene, words.scene)))})
        case VideoSpec() if len(words.shots) == len(spec.shots):
            told = zip(spec.shots, words.shots, strict=True)
            shots = (retell_shot(shot, spec.subject, text) if text else shot for shot, text in told)
            return spec.model_copy(update={"shots": tuple(shots)})
        case VoiceSpec() if not spec.script_is_given:
            said = {"script": words.script or spec.script, "style": spec.style or words.style or ""}
            return spec.model_copy(update=said)
    return spec


class _Sieve:
    """Looks through what was written for one asset, and says why something is not taken."""

    def __init__(self, plan: Plan, task: Task, subject: str) -> None:
        self._plan = plan
        self._task = task
        self._subject = subject
        self.flaws: list[str] = []

    def taken(self, answer: AssetAnswer) -> AssetWords:
        """What remains of it."""
        spec = self._task.spec
        kept: Mapping[str, object] = {}
        match spec:
            case PhotoSpec():
                kept = {"scene": self._good(answer.scene, LONGEST_SCENE)}
            case VideoSpec():
                kept = {"shots": self._shots(answer.shots, spec)}
            case VoiceSpec() if not spec.script_is_given:
                style = self._good(answer.style, LONGEST_STYLE) if not spec.style else None
                kept = {"script": self._script(answer.script, spec), "style": style}
        return AssetWords.model_validate({"of": facts_of(spec), "asset": self._task.id, **kept})

    def _shots(self, told: list[str] | None, spec: VideoSpec) -> tuple[str, ...]:
        if told is None:
            return ()
        if len(told) != len(spec.shots):
            self.flaws.append(f"in {len(told)} shots instead of {len(spec.shots)}")
            return ()
        shots = tuple(self._good(text, LONGEST_SCENE) or "" for text in told)
        return shots if any(shots) else ()

    def _script(self, told: str | None, spec: VoiceSpec) -> str | None:
        script = self._good(told, LONGEST_SCRIPT)
        if script is None:
            return None
        flaw = flaw_in_script(script, spec, subject=self._subject, brief_language=self._plan.brief_language)
        if flaw is not None:
            self.flaws.append(flaw)
        return script if flaw is None else None

    def _good(self, told: str | None, most: int) -> str | None:
        if told is None or not told.strip():
            return None
        text = " ".join(told.split())
        unwanted = self._plan.understanding.negative
        flaw = flaw_in(text, most=most, brief=self._plan.brief, unwanted=unwanted)
        if flaw is not None:
            self.flaws.append(flaw)
        return text if flaw is None else None
