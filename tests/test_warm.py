"""A fork of the warm process is what a cold process would be: how it ends, what it says, what it sees, how it dies."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from warm import Child, Finished, Warm, WarmDied

DEEDS = """
import atexit, os, signal, subprocess, sys, threading, time

def say(out="", err=""):
    sys.stdout.write(out)
    sys.stderr.write(err)

def shout(times):
    for _ in range(times):
        print("o" * 1023)
        print("e" * 1023, file=sys.stderr)

def leave(how):
    sys.exit(how)

def fail():
    raise LookupError("nothing is there")

def give(value):
    return value

def die(number):
    print("last words", flush=True)
    os.kill(os.getpid(), number)

def linger(first=""):
    print(first, flush=True)
    time.sleep(60)

def wait_for_ctrl_c():
    try:
        print("waiting", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)

def end_late():
    atexit.register(lambda: print("at exit"))
    threading.Thread(target=lambda: (time.sleep(0.1), print("the thread"))).start()
    print("the function")

def read():
    sys.stdout.write(str(len(sys.stdin.buffer.read())))

def tell():
    import json
    here = {"cwd": os.getcwd(), "argv": sys.argv, "environ": dict(os.environ), "threads": threading.active_count()}
    here |= {"leader": os.getsid(0) == os.getpgrp() == os.getpid(), "zone": time.tzname, "path": sys.path[:2]}
    here["open"] = sorted(int(name) for name in os.listdir("/dev/fd"))
    here["signals"] = [str(signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGCHLD, signal.SIGTERM)]
    here["masked"] = [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, [])]
    print(json.dumps(here))

def spoil():
    os.environ["SPOILT"] = "yes"
    sys.path.append("/spoilt")
    from orchestrator import assembly
    assembly.settings()

def count_settings():
    from orchestrator import assembly
    return assembly.settings.cache_info().currsize

def dial(host):
    import socket
    socket.create_connection((host, 80), timeout=1)

def write(size):
    with open("big", "wb") as file:
        file.write(bytes(size))

def leave_a_child():
    print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deeds")
    (folder / "deeds.py").write_text(DEEDS, "utf-8")
    return folder


@pytest.fixture(scope="module")
def bare() -> Iterator[Warm]:
    """A process that has imported nothing of the product, and so is ready at once."""
    with Warm(packages=()) as process:
        yield process


Begin = Callable[..., Child]


@pytest.fixture
def begin(bare: Warm, deeds: Path) -> Begin:
    return lambda name, env=None, cwd=None, stdin=b"", limits=None, **args: bare.spawn(
        call=f"deeds:{name}", args=args, path=[deeds], env=env, cwd=cwd, stdin=stdin, limits=limits
    )


@pytest.fixture
def do(begin: Begin) -> Callable[..., Finished]:
    return lambda name, **more: begin(name, **more).wait(30)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether no such process runs; one that nobody has buried yet counts as gone."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip()[:1] in {"", "Z"}


class TestTheCommandLine:
    def test_says_and_ends_as_from_cold(self, warm: Warm, tmp_path: Path):
        environ = {**os.environ, "AGENTES_HOME": str(tmp_path)}
        for words in (["plan", "a photo of a candle"], ["dance"], ["plan", "-"], ["costs", "--by", "job"]):
            code = "from orchestrator.faces.cli import main; main()"
            cold = subprocess.run(
                [sys.executable, "-c", code, *words],
                cwd=tmp_path, env=environ, input=b"two photos of a mug", capture_output=True, check=False,
            )  # fmt: skip
            fork = warm.run(words, cwd=tmp_path, env=environ, stdin=b"two photos of a mug")
            said = cold.stdout.decode(), cold.stderr.decode()
            assert (fork.returncode, *_without_times(fork.stdout, fork.stderr)) == (
                cold.returncode,
                *_without_times(*said),
            )

    def test_begins_with_empty_hands_every_time(self, warm: Warm, deeds: Path):
        for call in ("deeds:count_settings", "deeds:spoil", "deeds:count_settings"):
            assert warm.run(call=call, path=[deeds]).returncode == 0
        told = warm.run(call="deeds:tell", path=[deeds]).json
        assert told["threads"] == 1
        assert "SPOILT" not in told["environ"]
        assert "/spoilt" not in told["path"]


def _without_times(*said: str) -> list[str]:
    return [re.sub(r"\d{4}-\d\d-\d\d|\d\d:\d\d", "", text) for text in said]


class TestHowItEnds:
    @pytest.mark.parametrize(("how", "code"), [(None, 0), (0, 0), (3, 3), (256, 0), ("in words", 1)])
    def test_the_code_is_what_it_exits_with(self, do, how, code):
        ended = do("leave", how=how)
        assert ended.returncode == code
        assert ended.stderr == ("in words\n" if how == "in words" else "")

    @pytest.mark.parametrize(("value", "code"), [(None, 0), (7, 7)])
    def test_what_the_function_returns_is_the_code(self, do, value, code):
        assert do("give", value=value).returncode == code

    def test_an_error_is_a_traceback(self, do):
        ended = do("fail")
        assert ended.returncode == 1
        assert ended.stderr.endswith("LookupError: nothing is there\n")

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGUSR1])
    def test_a_signal_is_its_negative_number(self, do, number):
        ended = do("die", number=int(number))
        assert (ended.returncode, ended.stdout) == (-number, "last words\n")

    def test_threads_are_waited_for_and_exit_functions_run(self, do):
        assert do("end_late").stdout.splitlines() == ["the function", "the thread", "at exit"]

    def test_what_was_not_flushed_is_written(self, do):
        assert do("say", out="no newline", err="neither here")[1:] == ("no newline", "neither here")

    def test_it_can_be_asked_while_it_runs(self, begin):
        child = begin("linger", first="here I am")
        until(lambda: child.said[0] == "here I am\n")
        assert child.poll() is None
        with pytest.raises(TimeoutError, match="here I am"):
            child.wait(0.01)
        child.kill()
        ended = child.wait(30)
        assert (child.poll(), ended.returncode, child.wait(0)) == (-9, -9, ended)
        child.kill()  # too late, and harmless


class TestCtrlC:
    def test_is_an_exception_that_can_be_caught(self, begin):
        child = begin("wait_for_ctrl_c")
        until(lambda: child.said[0])
        child.kill(signal.SIGINT)
        assert child.wait(30)[:2] == (130, "waiting\ninterrupted\n")

    def test_kills_whoever_does_not_catch_it_however_early_it_comes(self, begin):
        for _ in range(5):
            child = begin("linger")
            child.kill(signal.SIGINT)
            ended = child.wait(30)
            assert ended.returncode == -signal.SIGINT
            assert "KeyboardInterrupt" in ended.stderr


class TestWhatItIsGiven:
    def test_the_environment_is_exactly_this_one(self, do, begin):
        told = do("tell", env={"ONE": "1", "TZ": "Asia/Tokyo", "ODD": "\udcff é"}).json
        assert told["environ"] == {"ONE": "1", "TZ": "Asia/Tokyo", "ODD": "\udcff é"}
        assert told["zone"] == ["JST", "JST"]
        with pytest.raises(ValueError, match="PYTHONUTF8 is read when Python starts"):
            begin("tell", env={**os.environ, "PYTHONUTF8": "0"})

    def test_without_one_it_has_ours(self, do, monkeypatch):
        monkeypatch.setenv("JUST_NOW", "yes")
        assert do("tell").json["environ"] == dict(os.environ)

    def test_the_folder_the_arguments_and_nothing_else_of_ours(self, bare, deeds, tmp_path):
        told = bare.run(["one", "two words"], call="deeds:tell", path=[deeds], cwd=tmp_path).json
        assert told["cwd"] == str(tmp_path)
        assert told["argv"] == ["agentes", "one", "two words"]
        assert told["path"][0] == str(deeds)
        assert told["leader"]
        assert [each for each in told["open"] if each > 2] == [max(told["open"])], "but the listing itself"
        assert told["masked"] == []
        assert "default_int_handler" in told["signals"][0]
        assert {str(signal.getsignal(signal.SIGTERM))} == set(told["signals"][1:])

    def test_a_folder_that_is_not_there_is_said(self, do, tmp_path):
        ended = do("tell", cwd=tmp_path / "nowhere")
        assert ended.returncode == 1
        assert "nowhere" in ended.stderr

    def test_limits(self, do, tmp_path):
        assert do("write", cwd=tmp_path, size=3000, limits={resource.RLIMIT_FSIZE: 4000}).returncode == 0
        ended = do("write", cwd=tmp_path, size=5000, limits={resource.RLIMIT_FSIZE: 4000})
        assert "File too large" in ended.stderr

    def test_much_goes_in_and_much_comes_out(self, do):
        assert do("read", stdin=b"i" * 3_000_000).stdout == "3000000"
        assert [len(text) for text in do("shout", times=3000)[1:]] == [3_072_000, 3_072_000]

    def test_two_at_once_are_strangers(self, begin):
        first, second = begin("linger", first="first"), begin("linger", first="second")
        until(lambda: first.said[0].endswith("\n") and second.said[0].endswith("\n"))
        first.kill()
        assert first.wait(30).stdout == "first\n"
        assert (second.poll(), second.said) == (None, ("second\n", ""))
        second.kill()
        assert second.wait(30).returncode == -9

    def test_the_network_is_closed_there_too(self, do):
        for host in ("192.0.2.1", "example.org"):
            ended = do("dial", host=host)
            assert ended.returncode == 1
            assert "NetworkClosed" in ended.stderr


class TestTrouble:
    def test_one_that_hangs_is_killed_and_shows_where_it_stood(self, bare, deeds):
        with pytest.raises(TimeoutError, match=r"(?s)killed after 0\.3 s.*deeds\.py.* in linger"):
            bare.run(call="deeds:linger", path=[deeds], timeout_s=0.3)

    def test_killed_it_leaves_its_own_children_as_a_crash_would(self, begin):
        child = begin("leave_a_child")
        until(lambda: child.said[0])
        child.kill()
        orphan = int(child.wait(30).stdout)
        assert not is_gone(orphan)
        os.kill(orphan, signal.SIGKILL)

    def test_a_dead_warm_process_is_said_and_closing_it_is_possible(self, deeds):
        with Warm(packages=()) as process:
            child = process.spawn(call="deeds:linger", path=[deeds])
            os.kill(process.pid, signal.SIGKILL)
            with pytest.raises(WarmDied, match="exit code -9"):
                child.wait(30)
            with pytest.raises(WarmDied, match="exit code -9"):
                process.run(call="deeds:tell", path=[deeds])
            os.kill(child.pid, signal.SIGKILL)

    def test_one_that_cannot_start_says_why(self):
        with Warm(packages=["no_such_package"]) as process, pytest.raises(WarmDied, match="no_such_package"):
            process.run(["--help"])

    def test_closing_ends_every_command(self, deeds):
        with Warm(packages=()) as process:
            child, pid = process.spawn(call="deeds:linger", path=[deeds]), process.pid
        assert child.wait(0).returncode == -9
        until(lambda: is_gone(child.pid))
        assert is_gone(pid)
        with pytest.raises(ValueError, match="closed"):
            process.run(["--help"])

    def test_when_the_tests_are_killed_nothing_is_left(self, deeds):
        code = (
            "import json, os, sys, warm\n"
            "process = warm.Warm(packages=())\n"
            f"child = process.spawn(call='deeds:linger', path=[{str(deeds)!r}])\n"
            "print(json.dumps([process.pid, child.pid]), flush=True)\n"
            "os.kill(os.getpid(), 9)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, check=False
        )
        assert ran.returncode == -9, ran.stderr.decode()
        for pid in json.loads(ran.stdout):
            until(lambda pid=pid: is_gone(pid))
