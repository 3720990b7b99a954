"""host:port, names and networks."""

import ipaddress

import pytest

from config.endpoint import Endpoint, is_loopback, is_name, is_private


@pytest.mark.parametrize("text", ["127.0.0.1:25", "[::1]:25", "mail.example:465", "localhost:0"])
def test_an_endpoint_prints_as_it_was_written(text):
    assert str(Endpoint.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "25", ":25", "host:", "host:x", "host:65536", "host:٢٥", "::1:25", "*:25", "a b:1"]
)
def test_what_is_no_endpoint_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"^must "):
        Endpoint.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("127.0.0.1:25", "127.0.0.1:25", True),
        ("127.0.0.1:25", "127.0.0.1:26", False),
        ("127.0.0.1:25", "127.0.0.2:25", False),
        ("0.0.0.0:25", "127.0.0.1:25", True),
        ("[::1]:25", "[::]:25", True),
        ("0.0.0.0:25", "[::]:25", False),
        ("0.0.0.0:25", "localhost:25", True),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_endpoints_clash_where_both_cannot_be_bound(one, other, clash):
    assert Endpoint.parse(one).clashes(Endpoint.parse(other)) is clash


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("b.LOCALHOST", True),
        ("0.0.0.0", False),
        ("a.b", False),
    ],
)
def test_loopback_is_what_never_leaves_the_machine(host, loopback):
    assert is_loopback(host) is loopback
    assert Endpoint(host, 25).loopback is loopback


@pytest.mark.parametrize("name", ["a", "relay.example", "XN--BCHER-KVA.example", "a-1.example", "a" * 63 + ".b"])
def test_names_of_a_labels_are_names(name):
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "a.",
        "-a.b",
        "a-.b",
        "a_b.c",
        "bücher.de",
        "xn--zzzzzzz999999.de",
        "1.2.3.4",
        "a" * 64,
        "a." * 127 + "aa",
    ],
)
def test_other_text_is_no_name(name):
    assert not is_name(name)


@pytest.mark.parametrize(
    ("network", "private"),
    [
        ("10.0.0.0/8", True),
        ("172.16.5.0/24", True),
        ("fd00::/8", True),
        ("::1/128", True),
        ("10.0.0.0/7", False),
        ("0.0.0.0/0", False),
        ("::/0", False),
        ("8.8.8.8/32", False),
    ],
)
def test_private_networks_are_those_the_internet_does_not_route(network, private):
    assert is_private(ipaddress.ip_network(network)) is private
