"""Promises about evenings that every store keeps; see the `conftest` for which they are."""

import threading

import pytest

from recommender.core.errors import ProfileError
from recommender.visitors import evenings
from recommender.visitors.evenings import HOST, MAX_MEMBERS, SECONDS, Evening
from recommender.visitors.records import ProfileStore
from tests.visitors.conftest import Open

HOST_SECRET, *GUESTS = (letter * 32 for letter in "abcdefgh")


def invited(store: ProfileStore) -> str:
    token = store.evenings.invite(HOST_SECRET)
    assert token is not None
    return token


def at(store: ProfileStore, secret: str) -> Evening:
    found = store.evenings.of(secret)
    assert found is not None
    return found


def test_a_link_brings_one_guest_to_the_evening(stores: Open, clock: list[int]) -> None:
    here, there = stores(), stores()  # two servers
    ana, ben, cem = HOST_SECRET, *GUESTS[:2]
    assert here.evenings.of(ana) is None
    here.evenings.open(ana, "  Ana\n<b> ")
    token = invited(here)
    assert there.evenings.invitation(ben, token) == "open"
    assert there.evenings.join(ben, token, "Ben" * 20) == "joined"
    assert there.evenings.join(ben, token) == "joined"  # a reload
    assert here.evenings.join(ana, token) == "joined"  # the host's own link
    assert here.evenings.join(cem, token) == here.evenings.invitation(cem, token) == "used"
    assert here.evenings.join(cem, "guessed") == here.evenings.invitation(cem, "guessed") == "over"
    seen = at(here, ben)
    assert [(m.seat, m.name) for m in seen.members] == [(1, "Ana <b>"), (2, ("Ben" * 20)[:20])]
    assert (seen.seat, seen.is_host, at(there, ana).is_host) == (2, False, True)
    assert here.evenings.of(cem) is None
    here.rate(ben, {1: 4.0})
    assert there.evenings.ratings_of(seen.members[1]).stars == {1: 4.0}
    assert there.evenings.ratings_of(seen.members[0]).stars == {}


def test_it_ends_by_itself_and_nothing_of_it_is_kept(stores: Open, clock: list[int]) -> None:
    store = stores()
    store.evenings.open(HOST_SECRET)
    token = invited(store)
    clock[0] += SECONDS - 1
    assert at(store, HOST_SECRET).ends_at == clock[0] + 1
    clock[0] += 1
    assert store.evenings.of(HOST_SECRET) is None
    guest = GUESTS[0]
    assert store.evenings.invitation(guest, token) == store.evenings.join(guest, token) == "over"
    store.evenings.forget_ended()
    clock[0] -= 1  # were it only hidden, it would be there again
    assert store.evenings.of(HOST_SECRET) is None


@pytest.mark.parametrize("how", ["leave", "delete"])
def test_a_guest_may_leave_and_the_host_ends_it(store: ProfileStore, how: str) -> None:
    go = store.evenings.leave if how == "leave" else store.delete
    store.evenings.open(HOST_SECRET)
    for guest in GUESTS[:2]:
        store.evenings.join(guest, invited(store))
    store.rate(GUESTS[0], {1: 4.0})
    go(GUESTS[0])
    assert store.evenings.of(GUESTS[0]) is None
    assert [member.seat for member in at(store, GUESTS[1]).members] == [HOST, 3]
    assert store.ratings_of(GUESTS[0]).stars == ({1: 4.0} if how == "leave" else {})
    store.evenings.join(GUESTS[2], invited(store))  # the seat is free again
    assert [member.seat for member in at(store, GUESTS[2]).members] == [HOST, 2, 3]
    go(HOST_SECRET)
    assert not any(map(store.evenings.of, [HOST_SECRET, *GUESTS]))


def test_six_have_room_and_nobody_is_at_two_evenings(store: ProfileStore) -> None:
    store.evenings.open(HOST_SECRET, "first")
    store.evenings.open(HOST_SECRET, "again")
    links = [invited(store) for _ in range(MAX_MEMBERS)]
    # One link more than there are seats: an unused one has given way.
    stood = [store.evenings.invitation(GUESTS[5], link) for link in links]
    assert (stood.count("over"), stood[-1]) == (1, "open")
    for guest, link in zip(GUESTS, [one for one in links if one != links[0]], strict=False):
        assert store.evenings.join(guest, link) == "joined"
    members = at(store, HOST_SECRET).members
    assert (len(members), members[0].name) == (MAX_MEMBERS, "first")
    assert store.evenings.invite(HOST_SECRET) is None
    assert store.evenings.invite(GUESTS[0]) is None  # no host
    store.evenings.open(GUESTS[5])
    other = store.evenings.invite(GUESTS[5])
    assert other is not None
    assert store.evenings.join(GUESTS[0], other) == "elsewhere"
    assert store.evenings.invitation(GUESTS[0], other) == "elsewhere"
    store.evenings.leave(GUESTS[0])
    assert store.evenings.invitation(GUESTS[0], other) == "open"


def test_there_are_so_many_evenings(
    store: ProfileStore, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evenings, "MAX_EVENINGS", 2)
    for secret in GUESTS[:2]:
        store.evenings.open(secret)
    with pytest.raises(ProfileError, match="2 evenings already") as error:
        store.evenings.open(HOST_SECRET)
    assert error.value.reason == "evenings_full"
    clock[0] += SECONDS
    store.evenings.open(HOST_SECRET)  # those that are over have made room
    assert at(store, HOST_SECRET).is_host


def test_of_many_who_use_one_link_at_once_one_joins(stores: Open) -> None:
    servers = [stores(), stores()]
    servers[0].evenings.open(HOST_SECRET)
    token, outcomes = invited(servers[0]), []

    def join(guest: int) -> None:
        outcomes.append(servers[guest % 2].evenings.join(GUESTS[guest], token))

    threads = [threading.Thread(target=join, args=(guest,)) for guest in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["joined", *["used"] * 5]
    assert len(at(servers[1], HOST_SECRET).members) == 2
