"""Whatever is begun, answered, given back and forgotten in whatever order: a dictionary would say the same."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from standing_clock import StandingClock

from orchestrator.access import Answer, Begun, Idempotency, Verdict
from orchestrator.store.database import open_database

tenants = st.sampled_from(["acme", "acme~test", "globex"])
names = st.sampled_from(["a", "b"])
digests = st.sampled_from(["d1", "d2"])
answers = st.one_of(st.none(), st.builds(Answer, st.sampled_from([200, 202]), st.sampled_from(["x", "y"])))


class Promises(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = open_database(Path(self.folder.name) / "ledger.db")
        self.clock = StandingClock()
        self.promises = Idempotency(self.clock.now)
        self.model: dict[tuple[str, str], tuple[str, Answer | None, object]] = {}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def expected(self, tenant: str, name: str, digest: str) -> Begun:
        known = self.model.get((tenant, name))
        if known is None or known[2] + timedelta(hours=24) <= self.clock.time:
            return Begun(Verdict.FRESH)
        if known[0] != digest:
            return Begun(Verdict.CONFLICT)
        if known[1] is not None:
            return Begun(Verdict.REPLAY, known[1])
        given_up = known[2] + timedelta(minutes=2) <= self.clock.time
        return Begun(Verdict.FRESH if given_up else Verdict.IN_FLIGHT)

    @rule(tenant=tenants, name=names, digest=digests, answer=answers)
    def begin(self, tenant, name, digest, answer):
        expected = self.expected(tenant, name, digest)
        begin = self.promises.begin
        assert self.database.ask(lambda t: begin(t, tenant, name, digest, answer)).result(30) == expected
        if expected.verdict is Verdict.FRESH:
            self.model[tenant, name] = (digest, answer, self.clock.time)

    @rule(tenant=tenants, name=names, answer=answers.filter(bool))
    def finish(self, tenant, name, answer):
        known = self.model.get((tenant, name))
        if known is not None and known[1] is None:
            self.database.ask(lambda t: self.promises.finish(t, tenant, name, answer)).result(30)
            self.model[tenant, name] = (known[0], answer, known[2])

    @rule(tenant=tenants, name=names)
    def drop(self, tenant, name):
        self.database.ask(lambda t: self.promises.drop(t, tenant, name)).result(30)
        known = self.model.get((tenant, name))
        if known is not None and known[1] is None:
            del self.model[tenant, name]

    @rule(seconds=st.sampled_from([1, 119, 121, 600, 80_000]))
    def wait(self, seconds):
        self.clock.pass_by(seconds)

    @invariant()
    def nothing_is_kept_that_nobody_began(self):
        for tenant, name in (("acme", "a"), ("globex", "b")):
            row = self.database.read(lambda t, of=(tenant, name): t.row("promise", tenant=of[0], key=of[1]))
            assert row is None or (tenant, name) in self.model


Promises.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestPromises = Promises.TestCase
