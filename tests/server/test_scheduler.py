"""Who speaks when, on workers that the test plays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bark.errors import OptionError, TextError, VoiceError, WeightsNotFoundError
from bark.options import GenerateOptions
from bark.server import crew as crews
from bark.server.jobs import Busy, EngineError, Job, Late, NotReady, SchedulerSettings
from bark.server.messages import Begin, Cancel, Fault, Warned
from bark.server.scheduler import Scheduler
from tests.server.fake_workers import RATE, FakeCrew, heard, ready, run, started, until


def test_a_job_is_spoken() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew)
        speech = await scheduler.submit(Job("hello", options=GenerateOptions(seed=7), language="en"))
        worker = crew.last
        begin = worker.messages[0]
        assert isinstance(begin, Begin)
        assert (begin.text, begin.seed, begin.language) == ("hello", 7, "en")
        assert (speech.seed, speech.sample_rate) == (7, RATE)
        begun = asyncio.ensure_future(speech.begun())
        await asyncio.sleep(0)
        assert not begun.done()
        worker.say("hello", 0.5)
        await begun
        worker.report(Warned(begin.key, "it looks wrong"))
        worker.finish("hello", seconds=0.25)
        assert len(await heard(speech)) == 0.75 * RATE
        assert speech.warnings == ["it looks wrong"]
        assert (speech.text_tokens, speech.audio_tokens) == (5, 25)
        now = scheduler.snapshot()
        assert (now.jobs, now.rows, now.waiting, now.ended) == (0, 0, 0, {"done": 1})
        assert now.audio_seconds == 0.75

    run(main())


def test_seeds_are_drawn_where_none_is_given() -> None:
    async def main() -> None:
        scheduler = await ready(FakeCrew(), slots=8)
        seeds = {
            (await scheduler.submit(Job("hello", options=options))).seed for options in [None, GenerateOptions()] * 3
        }
        assert len(seeds) == 6

    run(main())


def test_clients_share_the_rows() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=2)
        for text in ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]:
            await scheduler.submit(Job(text, client=text[0]))
        spoken = []
        while crew.last.texts:
            spoken.append(crew.last.texts[0])
            crew.last.finish(crew.last.texts[0])
        assert spoken == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]
        assert scheduler.snapshot().ended == {"done": 7}

    run(main())


def test_bulk_waits() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1)
        for text, bulk in [("a", False), ("slow1", True), ("slow2", True), ("b", False), ("c", False)]:
            await scheduler.submit(Job(text, bulk=bulk, client=text))
        assert (scheduler.snapshot().waiting, scheduler.snapshot().waiting_bulk) == (2, 2)
        spoken = []
        while crew.last.texts:
            spoken += crew.last.texts
            crew.last.finish(crew.last.texts[0])
        assert spoken == ["a", "b", "c", "slow1", "slow2"]

    run(main())


def test_a_long_text_gives_way_between_lines_and_stays_where_it_began() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1)
        await scheduler.submit(Job("long", client="a"))
        await scheduler.submit(Job("short", client="b"))
        crew.last.finish("long", more=True)
        assert crew.last.texts == ["short"]
        crew.last.finish("short")
        assert crew.last.texts == ["long"]
        assert sum(isinstance(message, Begin) for message in crew.last.messages) == 2

    run(main())


def test_jobs_go_where_the_least_is_left_to_do() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch, workers=2, threads=4)
        assert len(crew.workers) == 1  # the second is started when the first could load the model
        crew.workers[0].ready(4)
        crew.workers[1].ready(4)
        one, two = crew.workers
        await scheduler.submit(Job("a text that takes several seconds to say, and then some more"))
        assert (one.threads, len(one.speaking), len(two.speaking)) == (4, 1, 0)  # alone, it has all cores
        for text in ["x", "y", "z"]:
            await scheduler.submit(Job(text))
        assert (one.texts[1:], two.texts) == ([], ["x", "y", "z"])
        assert (one.threads, two.threads) == (2, 2)
        for text in ["x", "y", "z"]:
            two.finish(text, seconds=0.2)
        assert one.threads == 4
        assert scheduler.snapshot().slots == 8

    run(main())


def test_the_queue_is_bounded() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1, max_queue=3)
        for index in range(4):
            await scheduler.submit(Job(f"text {index}", client=str(index)))
        with pytest.raises(Busy, match="3 requests wait already") as told:
            await scheduler.submit(Job("one too many", client="new"))
        assert 1 <= told.value.retry_after <= 60
        crew.last.finish("text 0")
        await scheduler.submit(Job("now there is room", client="new"))

    run(main())


def test_a_client_s_share_of_the_queue_is_bounded() -> None:
    async def main() -> None:
        scheduler = await ready(FakeCrew(), slots=1, max_client_queue=2)
        for _ in range(3):
            await scheduler.submit(Job("text", client="a"))
        with pytest.raises(Busy, match="2 of your requests"):
            await scheduler.submit(Job("text", client="a"))
        await scheduler.submit(Job("text", client="b"))

    run(main())


def test_who_must_wait_is_told_how_long() -> None:
    async def main() -> None:
        waits = []
        for length in (1, 400):
            scheduler = await ready(FakeCrew(), slots=1, max_queue=4)
            for _ in range(5):
                await scheduler.submit(Job("word " * length))
            with pytest.raises(Busy) as told:
                await scheduler.submit(Job("more"))
            waits.append(told.value.retry_after)
        assert waits == [1, 60]

    run(main())


def test_what_nobody_wants_is_given_up_at_once() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1)
        speech = await scheduler.submit(Job("first"))
        waiting = await scheduler.submit(Job("second"))
        await scheduler.submit(Job("third"))
        crew.last.say("first")
        await waiting.aclose()  # has not begun: its worker never hears of it
        await speech.aclose()
        await speech.aclose()
        assert isinstance(crew.last.messages[-1], Cancel)
        await until(lambda: crew.last.texts == ["third"])
        assert [piece async for piece in speech] == []
        assert scheduler.snapshot().ended == {"cancelled": 2}
        assert scheduler.snapshot().jobs == 1

    run(main())


def test_what_comes_after_a_job_was_given_up_is_nobody_s() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew)
        speech = await scheduler.submit(Job("first"))
        worker = crew.last
        key = worker.key("first")
        await speech.aclose()
        worker.begun[key] = Begin(key, "first", None, None, None, False, 0)
        worker.say("first")  # was on its way
        assert speech.made == 0
        assert scheduler.snapshot().audio_seconds == 0

    run(main())


def test_deadlines() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1)
        speech = await scheduler.submit(Job("first", deadline=0.05))
        waiting = await scheduler.submit(Job("second", deadline=0.05))
        await scheduler.submit(Job("third"))
        crew.last.say("first")
        assert len(await speech.__anext__()) == RATE
        with pytest.raises(Late, match="within"):
            await speech.__anext__()
        with pytest.raises(Late):
            await waiting.begun()
        await until(lambda: crew.last.texts == ["third"])
        assert scheduler.snapshot().ended == {"late": 2}
        with pytest.raises(OptionError, match="deadline"):
            await scheduler.submit(Job("text", deadline=0))

    run(main())


def test_a_job_waits_for_a_client_that_is_behind() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1, ahead=2.0)
        speech = await scheduler.submit(Job("long", deadline=0.1))
        crew.last.finish("long", more=True, seconds=1.5)
        assert crew.last.texts == ["long"]  # 1.5 s are not too much
        crew.last.finish("long", more=True, seconds=1.5)
        assert crew.last.texts == []
        assert scheduler.snapshot().held == 1
        await asyncio.sleep(0.15)  # its deadline waits, too
        await scheduler.submit(Job("other"))
        assert crew.last.texts == ["other"]
        assert len(await speech.__anext__()) == 1.5 * RATE
        assert scheduler.snapshot().held == 0
        crew.last.finish("other")
        assert crew.last.texts == ["long"]
        crew.last.finish("long")
        assert len(await heard(speech)) == 2.5 * RATE

    run(main())


def test_faults_end_their_job_alone() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew)
        bad, good = await scheduler.submit(Job("bad")), await scheduler.submit(Job("good"))
        crew.last.finish("bad", fault=Fault("TextError", "this can't be said"))
        crew.last.finish("good")
        await bad.__anext__()  # what was made before
        with pytest.raises(TextError, match="this can't be said"):
            await bad.__anext__()
        assert len(await heard(good)) == RATE
        assert scheduler.snapshot().ended == {"failed": 1, "done": 1}

    run(main())


def test_a_worker_that_dies_is_replaced() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch, workers=2)
        crew.workers[0].ready(1)
        crew.workers[1].ready(1)
        one, two = crew.workers
        first, second = await scheduler.submit(Job("first")), await scheduler.submit(Job("second"))
        third = await scheduler.submit(Job("third"))
        one.die()
        with pytest.raises(EngineError, match="ended unexpectedly"):
            await first.begun()
        await until(lambda: len(crew.workers) == 3)
        assert scheduler.state == "ready"
        two.finish("second")
        assert len(await heard(second)) == RATE
        assert two.texts == ["third"]  # it had waited, and notices nothing
        two.finish("third")
        assert len(await heard(third)) == RATE
        now = scheduler.snapshot()
        assert (now.restarts, now.ended, len(now.workers)) == (1, {"failed": 1, "done": 2}, 2)

    run(main())


def test_a_worker_that_dies_again_and_again_is_replaced_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        crew, delays = FakeCrew(), []
        scheduler = await started(crew.launch)
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def noted(delay: float, *call: object) -> object:
            delays.append(delay)
            return call_later(0, *call)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_later", noted)
        for index in range(8):
            crew.last.die()
            await until(lambda index=index: len(crew.workers) == index + 2)  # type: ignore[misc]
        assert [delay for delay in delays if delay != 0.005] == [0, 1, 2, 4, 8, 16, 30, 30]
        assert scheduler.state == "loading"

    run(main())


def test_a_worker_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "SILENCE", 0.02)
    monkeypatch.setattr("bark.server.scheduler.TICK", 0.01)

    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew)
        await asyncio.sleep(0.05)
        assert len(crew.workers) == 1  # with nothing to say, silence is all right
        speech = await scheduler.submit(Job("first"))
        with pytest.raises(EngineError):
            await speech.begun()
        await until(lambda: len(crew.workers) == 2)

    run(main())


def test_states_of_a_lazy_scheduler() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch, lazy=True, idle_unload=0.05)
        assert (scheduler.state, crew.workers) == ("idle", [])
        speech = await scheduler.submit(Job("first"))
        assert scheduler.state == "loading"
        crew.last.ready()
        assert scheduler.state == "ready"
        await asyncio.sleep(0.1)
        assert scheduler.state == "ready"  # as long as there is a job
        crew.last.finish("first")
        assert len(await heard(speech)) == RATE
        await until(lambda: scheduler.state == "idle")
        assert crew.last.gone
        again = await scheduler.submit(Job("second"))
        assert len(crew.workers) == 2
        crew.last.ready()
        crew.last.finish("second")
        await heard(again)

    run(main())


def test_the_model_is_let_go_even_if_nobody_ever_asked() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, idle_unload=0.02)
        await until(lambda: scheduler.state == "idle")

    run(main())


def test_jobs_wait_for_the_model_but_not_for_ever() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch, load_wait=0.05)
        speech = await scheduler.submit(Job("first"))
        with pytest.raises(NotReady, match="being loaded") as told:
            await speech.begun()
        assert told.value.state == "loading"
        assert told.value.retry_after is not None and told.value.retry_after >= 1
        speech = await scheduler.submit(Job("second"))
        crew.last.ready()
        await asyncio.sleep(0.1)
        crew.last.finish("second")
        assert len(await heard(speech)) == RATE

    run(main())


def test_nobody_waits_where_nobody_may() -> None:
    async def main() -> None:
        scheduler = await started(FakeCrew().launch, load_wait=0)
        with pytest.raises(NotReady):
            await scheduler.submit(Job("first"))
        assert scheduler.snapshot().jobs == 0

    run(main())


def test_a_model_that_can_t_be_loaded() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch)
        speech = await scheduler.submit(Job("first"))
        crew.last.fail("the weights are torn")
        assert (scheduler.state, scheduler.failure) == ("failed", "the weights are torn")
        for asked in (speech.begun, lambda: scheduler.submit(Job("second"))):
            with pytest.raises(NotReady) as told:
                await asked()
            assert (told.value.state, told.value.retry_after) == ("failed", None)
        await asyncio.sleep(0.01)
        assert len(crew.workers) == 1

    run(main())


def test_others_do_without_a_worker_that_can_t_load_the_model() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch)
        crew.workers[0].ready(2, ("cuda:0", "cuda:1", "cuda:2"))
        assert [worker.settings.device for worker in crew.workers] == [None, "cuda:1", "cuda:2"]
        crew.workers[1].fail("this one has no memory left")
        crew.workers[2].ready(2)
        assert (scheduler.state, scheduler.snapshot().slots) == ("ready", 4)
        await asyncio.sleep(0.01)
        assert len(crew.workers) == 3

    run(main())


def test_draining_finishes_what_was_begun() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew, slots=1)
        begun, waiting = await scheduler.submit(Job("begun")), await scheduler.submit(Job("waiting"))
        crew.last.finish("begun", more=True)
        waits = [text for text in ("begun", "waiting") if text not in crew.last.texts]
        assert waits == ["begun"]  # its next line; "waiting" has begun, too
        fresh = await scheduler.submit(Job("fresh"))
        drained = asyncio.ensure_future(scheduler.drain(30))
        await asyncio.sleep(0)
        assert scheduler.state == "draining"
        with pytest.raises(NotReady, match="about to stop"):
            await scheduler.submit(Job("too late"))
        with pytest.raises(NotReady):
            await fresh.begun()
        crew.last.finish("waiting")
        crew.last.finish("begun")
        assert (len(await heard(begun)), len(await heard(waiting))) == (2 * RATE, RATE)
        await drained
        assert (scheduler.state, crew.last.gone) == ("stopped", True)

    run(main())


def test_draining_ends_with_the_grace() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew)
        speech = await scheduler.submit(Job("endless"))
        crew.last.say("endless")
        await scheduler.drain(0.02)
        await speech.__anext__()
        with pytest.raises(NotReady, match="before this was done"):
            await speech.__anext__()
        assert scheduler.snapshot().workers == ()

    run(main())


def test_draining_doesn_t_wait_for_a_model_to_be_loaded() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch)
        await scheduler.drain(30)
        assert crew.last.gone

    run(main())


@pytest.mark.parametrize(
    ("job", "error", "says"),
    [
        (Job("  "), TextError, "no text"),
        (Job("* * *"), TextError, "nothing to say"),
        (Job("text", "v2/en_speaker_99"), VoiceError, "did you mean v2/en_speaker_"),
        (Job("text", "../../etc/passwd"), VoiceError, "there is no voice"),
        (Job("---\ncast: {A: secret.npz}\n---\nA: hello", dialogue=True), VoiceError, "there is no voice 'secret.npz'"),
        (Job("---\ncast: [\n---\nA: hello", dialogue=True), TextError, "not YAML"),
    ],
)
def test_jobs_that_make_no_sense_are_refused(job: Job, error: type[Exception], says: str) -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await ready(crew)
        with pytest.raises(error, match=says):
            await scheduler.submit(job)
        assert crew.last.messages == []

    run(main())


def test_a_file_is_no_voice_even_if_it_is_one(bundled: Path) -> None:
    path = next((bundled / "voices").rglob("*.npz"))

    async def main() -> None:
        scheduler = await ready(FakeCrew())
        with pytest.raises(VoiceError, match="there is no voice"):
            await scheduler.submit(Job("text", str(path)))

    run(main())


def test_voices_are_told_without_a_worker() -> None:
    async def main() -> None:
        crew = FakeCrew()
        scheduler = await started(crew.launch, lazy=True)
        voices = {voice.name: voice for voice in await scheduler.voices()}
        assert (voices["v2/en_speaker_0"].language, voices["v2/en_speaker_0"].kind) == ("en", "preset")
        assert crew.workers == []

    run(main())


def test_there_is_no_such_model() -> None:
    async def main() -> None:
        with pytest.raises(WeightsNotFoundError):
            await Scheduler(SchedulerSettings(model="nobody/knows")).start()

    run(main())


def test_the_server_s_own_process_imports_no_torch() -> None:
    code = "import sys, bark.server.scheduler; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
