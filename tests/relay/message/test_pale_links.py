"""A customer's own link that is hard to read keeps its style; a footer that is written anyway bears a link too."""

from rewriting_samples import COPY, HEAD, RECIPE, Keys, message

from policies.facts import FooterIdentity
from relay.message.read import read
from relay.message.rewrite import prepare

FOOTER = FooterIdentity(RECIPE.organisation, RECIPE.postal_address)
ADDRESS = "<p>Kopi &amp; Teh, Jalan Melati 7, 55281 Yogyakarta</p>"


def links(colour: str, address: str = "", style: str = "") -> int:
    page = (
        f'{style}<p>Halo</p><p><a style="color:{colour}" href="https://kopi.example/u">Unsubscribe</a></p>{address}'
    )
    scanned = message(*HEAD, "Content-Type: text/html", "", page)
    ready = prepare(scanned, read(scanned, FOOTER).displayed, RECIPE, Keys())
    return ready.render(COPY, eight_bit=True).partition(b"\r\n\r\n")[2].count(COPY.opt_out_url.encode())


def test_a_link_that_is_easy_to_read_is_enough():
    assert links("#444444") == 1


def test_a_pale_link_gets_a_second_one_in_the_footer_that_is_written_for_the_address():
    assert links("#aaaaaa") == 2


def test_a_link_that_is_pale_in_dark_mode_alone_does_too():
    dark = "<style>@media (prefers-color-scheme:dark){p{background:#222}}</style>"

    assert links("#444444", style=dark) == 2


def test_a_pale_link_is_left_alone_where_nothing_else_is_missing():
    assert links("#aaaaaa", ADDRESS) == 1
