"""The judge sees what it is there for: each kind of fault, made by hand."""

from __future__ import annotations

from pathlib import Path

from chaos.ledger import Book, Calls, Tail, highest
from chaos.verdict import microseconds, missing_slots


def book(*lines: str) -> Book:
    """A book of these events: event, seconds, worker, key, id, attempt, token."""
    result = Book()
    for line in lines:
        event, seconds, *rest = line.split()
        result.read([event.encode(), str(int(float(seconds) * 1e9)).encode(), *(word.encode() for word in rest)])
    return result


def test_a_job_that_ran_once_is_in_order() -> None:
    """Nothing repeated, nothing refused, nothing stale."""
    seen = book("b 1 w0-1 k id 0 100", "e 2 w0-1 k id 0 100")
    seen.succeeded(b"k", 100)
    assert seen.jobs[b"k"].done
    assert (seen.repeated, seen.refused, seen.stale, seen.twins) == (0, 0, set(), set())
    assert seen.take_fresh() == {b"k": b"id"}
    assert seen.take_fresh() == {}


def test_a_job_without_an_effect_is_not_done() -> None:
    """It is what a lost job looks like: asked for, and never ended."""
    assert not book("b 1 w0-1 k id 0 100").jobs[b"k"].done


def test_a_retry_is_no_repeated_run() -> None:
    """The attempt tells them apart."""
    seen = book("b 1 w0-1 k id 0 100", "r 1 w0-1 k id 0 100", "b 2 w0-1 k id 1 200", "e 2 w0-1 k id 1 200")
    assert seen.repeated == 0
    seen = book("b 1 w0-1 k id 0 100", "b 2 w1-1 k id 0 200")
    assert seen.repeated == 1


def test_an_effect_with_an_older_token_is_refused_by_the_ledger() -> None:
    """As by any resource that checks tokens; the job is not done by it."""
    seen = book("b 1 w0-1 k id 0 100", "b 8 w1-1 k id 0 200", "e 9 w0-1 k id 0 100")
    assert seen.refused == 1
    assert not seen.jobs[b"k"].done


def test_an_older_run_whose_end_was_accepted_is_stale() -> None:
    """The stored SUCCESS names the first token although a second run had begun."""
    seen = book("b 1 w0-1 k id 0 100", "e 1 w0-1 k id 0 100", "b 8 w1-1 k id 0 200", "e 8 w1-1 k id 0 200")
    seen.succeeded(b"k", 100)
    assert seen.stale == {b"k"}
    seen.succeeded(b"k", 200)
    assert seen.stale == set()


def test_a_run_after_the_success_is_stale_whatever_is_stored_then() -> None:
    """The SUCCESS had been read before it began."""
    seen = book("b 1 w0-1 k id 0 100", "e 1 w0-1 k id 0 100")
    seen.succeeded(b"k", 100)
    seen.read(b"b 9000000000 w1-1 k id 0 200".split())
    seen.succeeded(b"k", 200)
    assert seen.stale == {b"k"}


def test_a_success_that_is_read_before_the_ledger_tells_of_its_run_is_no_stale_one() -> None:
    """Results and ledger are looked at one after the other."""
    seen = book("b 1 w0-1 k id 0 100", "e 1 w0-1 k id 0 100")
    seen.succeeded(b"k", 200)
    seen.read(b"b 9000000000 w1-1 k id 0 200".split())
    assert seen.stale == set()


def test_a_key_under_two_ids_is_a_twin() -> None:
    """A chord's body that was sent twice, or a slot that fired twice."""
    assert book("b 1 w0-1 c.body one 0 100", "b 2 w0-1 c.body two 0 200").twins == {b"c.body"}


def test_a_recovery_lasts_from_the_kill_to_the_next_beginning() -> None:
    """Of the runs that were under way alone; not of those that another worker had taken over before."""
    seen = book("b 1 w0-1 k id 0 100", "b 1 w0-1 done id 0 101", "e 2 w0-1 done id 0 101", "b 1 w0-1 moved id 0 102", "b 3 w1-1 moved id 0 300")
    seen.killed(b"w0-1", int(4e9))
    assert set(seen.orphans) == {b"k"}
    seen.read(b"b 10500000000 w1-1 k id 0 400".split())
    assert seen.recoveries == [(6.5, int(4e9), b"k")]
    assert seen.orphans == {}


def test_calls_tell_what_must_run() -> None:
    """Answered calls alone; of the others all jobs or none."""
    calls = Calls()
    for line in (b"? 1 2 0", b"? 2 2 1", b"+ 1", b"? 3 2 0", b"- 3"):
        calls.read("s0-1", line.split())
    assert set(calls.asked()) == {b"s0-1.1.0", b"s0-1.1.1"}
    seen = book("b 1 w0-1 s0-1.2.0 id 0 100", "e 1 w0-1 s0-1.2.0 id 0 100")
    assert calls.halves(seen) == [b"s0-1.2.1", b"s0-1.2.body"]
    assert calls.halves(Book()) == []


def test_chords_that_may_have_been_opened_and_not_sent_whole_are_known() -> None:
    """Celery's client sends parts one by one, ours all or nothing, and an answered one is whole."""
    calls = Calls()
    for producer in ("p1-1", "s0-1"):
        for line in (b"? 1 2 1", b"? 2 2 1", b"? 3 2 0", b"? 4 2 1", b"+ 4"):
            calls.read(producer, line.split())
    keys = [f"{producer}.{number}.0" for producer in ("p1-1", "s0-1") for number in (1, 3, 4)]
    assert calls.half_chords(book(*(f"b 1 w0-1 {key} id 0 100" for key in keys))) == 3


def test_a_line_is_read_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    """What a killed process left half written is none."""
    path = tmp_path / "ledger"
    tail = Tail(path)
    assert list(tail.lines()) == []
    path.write_bytes(b"one two\nthr")
    assert list(tail.lines()) == [[b"one", b"two"]]
    path.write_bytes(b"one two\nthree\n")
    assert list(tail.lines()) == [[b"three"]]
    assert list(tail.lines()) == []


def test_a_slot_in_between_or_a_recorded_one_that_never_ran_is_missed() -> None:
    """By their period."""
    assert missing_slots({10, 20, 30}, {10, 20, 30}, 10) == []
    assert missing_slots({10, 30}, {10}, 10) == [20]
    assert missing_slots({10, 20}, {10, 20, 30}, 10) == [30]
    assert missing_slots(set(), set(), 10) == []
    assert microseconds("1970-01-01T00:00:01.500000+00:00") == 1_500_000


def limited(*lines: str) -> Calls:
    """The notes of one producer."""
    calls = Calls()
    for line in lines:
        calls.read("s0-1", [word.encode() for word in line.split()])
    return calls


def succeeded(*lines: str) -> Book:
    """A book in which each job's highest token is that of its stored SUCCESS."""
    seen = book(*lines)
    for key, job in seen.jobs.items():
        seen.succeeded(key, job.top)
    return seen


def test_more_jobs_of_a_limit_than_may_be_are_seen() -> None:
    """Three at once where two may be; that one follows another at the same instant is no fault."""
    calls = limited("@ 1 shop-1", "@ 2 shop-1", "@ 3 shop-1", "@ 4 shop-2")
    begun = [f"b {number} w0-1 s0-1.{number}.0 i{number} 0 {number}00" for number in (1, 2, 3, 4)]
    ends = [f"e 9 w0-1 s0-1.{number}.0 i{number} 0 {number}00" for number in (1, 2, 3, 4)]
    assert calls.crowded(succeeded(*begun, *ends), 2) == {"shop-1": 3}
    assert calls.crowded(succeeded(*begun[:2], "e 3 w0-1 s0-1.1.0 i1 0 100", begun[2], *ends[1:]), 2) == {}


def test_a_run_whose_end_was_not_accepted_counts_for_no_limit() -> None:
    """It was given away, and its permit with it; the run that took its place counts."""
    calls = limited("@ 1 shop-1", "@ 2 shop-1")
    seen = succeeded(
        "b 1 w0-1 s0-1.1.0 i1 0 100",
        "b 8 w1-1 s0-1.2.0 i2 0 150",
        "e 9 w1-1 s0-1.2.0 i2 0 150",
        "b 10 w1-1 s0-1.1.0 i1 0 200",
        "e 11 w1-1 s0-1.1.0 i1 0 200",
    )
    assert calls.crowded(seen, 1) == {}
    seen.succeeded(b"s0-1.1.0", 100)
    assert seen.jobs[b"s0-1.1.0"].run is None


def test_a_lock_that_two_jobs_have_is_seen() -> None:
    """The second was given it although the first had not ended."""
    notes = ["? 1 1 0", "= 1 lock-1 500000000", "? 2 1 0", "x 2", "? 3 1 0", "= 3 lock-1 3000000000"]
    runs = ["b 1 w0-1 s0-1.1.0 i1 0 100", "e 2 w0-1 s0-1.1.0 i1 0 100", "b 4 w0-1 s0-1.3.0 i3 0 300", "e 5 w0-1 s0-1.3.0 i3 0 300"]
    calls = limited(*notes)
    assert calls.shared(succeeded(*runs)) == {}
    assert sorted(calls.asked()) == [b"s0-1.1.0", b"s0-1.3.0"]
    runs[1] = "e 3.5 w0-1 s0-1.1.0 i1 0 100"
    assert calls.shared(succeeded(*runs)) == {"lock-1": 1}


def test_spans_that_touch_have_nothing_in_common() -> None:
    """What ends as another begins is over."""
    assert highest([(1, 2), (2, 3), (3, 4)]) == 1
    assert highest([(1, 4), (2, 3), (2, 5)]) == 3
    assert highest([]) == 0
