"""Which addresses may be connected to, and that the check cannot be gone around."""

from __future__ import annotations

import ipaddress

import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import FetchRefused
from safelight.tools.net import AddressPolicy, CheckedBackend, check_url

FORBIDDEN = {
    "this host": ["0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1", "198.19.255.255"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "IPv4 in IPv6, mapped": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:169.254.169.254"],
    "IPv4 in IPv6, compatible": ["::127.0.0.1", "::8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::", "2002:a9fe:a9fe::1", "192.88.99.1"],
    "Teredo": ["2001::1", "2001:0:53aa:64c::1"],
    "site-local, discard, SRv6, ISATAP": ["fec0::1", "100::1", "5f00::1", "fe80::5efe:10.0.0.1"],
    "ORCHID, benchmarking": ["2001:20::1", "2001:2::1"],
}
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "100.63.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, some in FORBIDDEN.items() for one in some])
def test_addresses_that_are_not_public_are_refused(kind: str, address: str) -> None:
    with pytest.raises(FetchRefused):
        AddressPolicy().check_address(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert str(AddressPolicy().check_address(address)) == address


@given(st.ip_addresses())
def test_whatever_python_calls_private_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_loopback:
        with pytest.raises(FetchRefused):
            AddressPolicy().check_address(str(address))


@given(st.text(max_size=30))
def test_nonsense_is_no_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        with pytest.raises(FetchRefused):
            AddressPolicy().check_address(text)


def test_exemption_is_as_narrow_as_it_says() -> None:
    policy = AddressPolicy(exempt=(ipaddress.ip_network("10.1.2.0/24"),))
    assert policy.check_address("10.1.2.9")
    for address in ("10.1.3.9", "::ffff:10.1.2.9", "127.0.0.1"):
        with pytest.raises(FetchRefused):
            policy.check_address(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/html,hi",
        "//example.com/",
        "/relative",
        "",
        "http://",
        "http:///path",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com:22/",
        "http://example.com:6379/",
        "http://example.com:99999/",
        "http://example.com:port/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\r\nHost: other",
        "http://example.com/\x00",
        "http://①②⑦.⓪.⓪.①/",
        "http://example.com/" + "a" * 3000,
    ],
)
def test_urls_that_are_refused_before_anything_is_resolved(url: str) -> None:
    with pytest.raises(FetchRefused):
        check_url(url, AddressPolicy())


def test_urls_that_pass_lose_their_fragment() -> None:
    assert str(check_url("https://example.com/a?b=c#d", AddressPolicy())) == "https://example.com/a?b=c"
    assert check_url("HTTP://EXAMPLE.com", AddressPolicy()).host == "example.com"
    assert check_url("https://例え.jp/", AddressPolicy()).raw_host == b"xn--r8jz45g.jp"


@given(st.text(max_size=60))
def test_any_text_is_refused_or_parsed(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.com/{text}"):
        try:
            parsed = check_url(url, AddressPolicy())
        except FetchRefused:
            continue
        assert parsed.scheme in ("http", "https")
        assert parsed.host
        assert not parsed.userinfo


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"]]
)
async def test_one_forbidden_answer_condemns_the_name(answers: list[str]) -> None:
    """A name that resolves to a public and a private address is the classical rebinding trick."""

    async def resolver(host: str, port: int) -> list[str]:
        return answers

    with pytest.raises(FetchRefused, match="not public"):
        await CheckedBackend(AddressPolicy(), resolver).connect_tcp("attacker.example", 80, timeout=2)


async def test_the_backend_checks_ports_sockets_and_failures() -> None:
    async def nothing(host: str, port: int) -> list[str]:
        return []

    async def broken(host: str, port: int) -> list[str]:
        raise UnicodeError("label too long")

    with pytest.raises(FetchRefused, match="Port 25"):
        await CheckedBackend(AddressPolicy(), nothing).connect_tcp("example.com", 25)
    with pytest.raises(FetchRefused, match="Unix"):
        await CheckedBackend(AddressPolicy(), nothing).connect_unix_socket("/run/docker.sock")
    with pytest.raises(httpcore2.ConnectError, match="no address"):
        await CheckedBackend(AddressPolicy(), nothing).connect_tcp("example.com", 80)
    with pytest.raises(httpcore2.ConnectError, match="cannot be resolved"):
        await CheckedBackend(AddressPolicy(), broken).connect_tcp("example.com", 80)
