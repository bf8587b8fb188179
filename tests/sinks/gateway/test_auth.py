import itertools
import time

import jwt
import pytest

from operators.results import CHANNELS
from sinks.gateway.auth import (
    AUDIENCE,
    GROUP_KINDS,
    ROLES,
    Claims,
    Denied,
    may_act,
    may_see,
    mint_token,
    parse_channel,
    verify_token,
)
from stream.errors import ConfigError
from tests.sinks.gateway.support import SECRET, Settings

SETTINGS = Settings(None)


def claims_of(token: str, settings: Settings = SETTINGS) -> Claims:
    found = verify_token(settings, token)
    assert isinstance(found, Claims)
    return found


def test_a_minted_token_is_accepted_and_says_what_was_asked() -> None:
    claims = claims_of(mint_token(SETTINGS, ["t1"], ["r1"], "screen", 60))
    assert (claims.tenants, claims.rooms, claims.role) == (["t1"], ["r1"], "screen")
    assert not claims.rpc
    assert 0 < claims.exp - time.time() <= 60


def test_after_a_rotation_the_old_key_still_verifies_and_no_longer_signs() -> None:
    old = mint_token(SETTINGS, ["t1"], ["*"], "screen", 60)
    rotated = Settings(None, token_secret="n" * 40, token_secret_previous=SECRET)
    assert isinstance(verify_token(rotated, old), Claims)
    gone = Settings(None, token_secret="n" * 40)
    assert isinstance(verify_token(gone, old), Denied)
    fresh = mint_token(rotated, ["t1"], ["*"], "screen", 60)
    assert isinstance(verify_token(SETTINGS, fresh), Denied)


def forged(**changes: object) -> str:
    # Made when tests are collected, judged when their turn comes: long before it expires.
    token = mint_token(SETTINGS, ["t1"], ["*"], "screen", 86_400)
    body = jwt.decode(token, SECRET, ["HS256"], audience=AUDIENCE)
    body = {key: value for key, value in (body | changes).items() if value is not None}
    return jwt.encode(body, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", "unauthorized"),
        ("a.b.c", "unauthorized"),
        (forged(aud="somebody"), "unauthorized"),
        (forged(aud=None), "unauthorized"),
        (forged(exp=None), "unauthorized"),
        (forged(exp=1), "token_expired"),
        (forged(jti=None), "unauthorized"),
        (forged(tenants="t1"), "unauthorized"),
        (forged(rooms=None), "unauthorized"),
        (jwt.encode({"aud": AUDIENCE}, "", algorithm="none"), "unauthorized"),
        (jwt.encode({"aud": AUDIENCE}, "x" * 40, algorithm="HS256"), "unauthorized"),
        (jwt.encode({"aud": AUDIENCE}, SECRET * 2, algorithm="HS512"), "unauthorized"),
    ],
)
def test_any_other_token_is_denied_with_its_error(token: str, error: str) -> None:
    denied = verify_token(SETTINGS, token)
    assert isinstance(denied, Denied)
    assert denied.error == error


def test_tokens_and_users_can_be_revoked() -> None:
    token = mint_token(SETTINGS, ["t1"], ["*"], "screen", 60, user="ann")
    jti = claims_of(token).jti
    assert isinstance(verify_token(SETTINGS, token, {jti}), Denied)
    assert isinstance(verify_token(SETTINGS, token, {"ann"}), Denied)
    assert isinstance(verify_token(SETTINGS, token, {"bob"}), Claims)


@pytest.mark.parametrize(
    ("settings", "role", "ttl_s"),
    [
        (Settings(None, token_secret="short"), "screen", 60),
        (Settings(None, token_secret=None), "screen", 60),
        (SETTINGS, "emperor", 60),
        (SETTINGS, "screen", 0),
    ],
)
def test_a_token_that_would_be_useless_is_not_minted(
    settings: Settings, role: str, ttl_s: int
) -> None:
    with pytest.raises(ConfigError):
        mint_token(settings, ["t1"], ["*"], role, ttl_s)


@pytest.mark.parametrize(
    "name",
    ["", "room", "room:", "room:t1", "room:t1/", "room:/r", "nope:t1/r1", "room:t1/r\n", "x" * 200],
)
def test_a_malformed_channel_name_is_no_channel(name: str) -> None:
    assert parse_channel(name) is None


NAME = {
    "split": "split:{t}/r1/product",
    "board": "board:{t}/g1/products_gmv",
}


@pytest.mark.parametrize(
    ("role", "kind", "tenant"), [*itertools.product(ROLES, CHANNELS, ["t1", "t2"])]
)
def test_role_by_channel_by_tenant(role: str, kind: str, tenant: str) -> None:
    default = "{k}:{t}/g1" if kind in GROUP_KINDS else "{k}:{t}/r1"
    channel = parse_channel(NAME.get(kind, default).format(k=kind, t=tenant))
    assert channel is not None
    claims = claims_of(mint_token(SETTINGS, ["t1"], ["r1"], role, 60, groups=["g1"]))
    allowed = tenant == "t1" and kind in ROLES[role].kinds
    assert may_see(claims, channel) is allowed
    other = parse_channel(NAME.get(kind, default).format(k=kind, t=tenant).replace("/", "/x"))
    assert other is not None
    assert may_see(claims, other) is (allowed and kind == "names")
    if kind == "alerts":
        assert may_act(claims, tenant, "g1") is (allowed and ROLES[role].rpc)


def seen(claims: Claims, name: str) -> bool:
    channel = parse_channel(name)
    assert channel is not None
    return may_see(claims, channel)


def test_a_token_of_one_room_sees_that_room_and_names_but_nothing_of_its_group() -> None:
    claims = claims_of(mint_token(SETTINGS, ["t1"], ["r1"], "operator", 60))
    assert seen(claims, "room:t1/r1")
    assert seen(claims, "split:t1/r1/product")
    assert seen(claims, "board:t1/g/products_gmv@r1")
    assert seen(claims, "names:t1/g")
    for name in (
        "room:t1/r2",
        "split:t1/r2/product",
        "board:t1/g/products_gmv@r2",
        "board:t1/g/rooms_gmv",
        "stock:t1/g",
        "alerts:t1/g",
        "room:t2/r1",
    ):
        assert not seen(claims, name)
    assert not may_act(claims, "t1", None)


def test_kinds_narrow_a_role_and_never_widen_it() -> None:
    narrow = claims_of(mint_token(SETTINGS, ["t1"], ["*"], "screen", 60, kinds=["room"]))
    assert seen(narrow, "room:t1/r1")
    assert not seen(narrow, "hist:t1/r1")
    wide = claims_of(mint_token(SETTINGS, ["t1"], ["*"], "warehouse", 60, kinds=["*"]))
    assert not seen(wide, "room:t1/r1")


def test_globs_match_within_one_tenant_only() -> None:
    claims = claims_of(mint_token(SETTINGS, ["brand-*"], ["vip-*"], "screen", 60))
    assert seen(claims, "room:brand-a/vip-1")
    assert not seen(claims, "room:brand-a/1-vip-")
    assert not seen(claims, "room:xbrand-a/vip-1")


def test_an_unknown_role_sees_nothing() -> None:
    claims = Claims("u", "j", 9, "emperor", ["*"], ["*"], ["*"], ["*"], True)
    assert not seen(claims, "room:t1/r1")
    assert not may_act(claims, "t1", None)
