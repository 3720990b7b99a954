# ruff: noqa: E501
"""Opt-out links a person does not see do not count; the fast and the careful reader agree (clause 5.5)."""

import pytest

from policies.facts import FooterIdentity
from relay.message.careful import read_carefully
from relay.message.html import read_html
from relay.message.html_reading import HtmlReading
from relay.message.postal_address import RegisteredAddress

FOOTER = FooterIdentity("Acme Foods", "12 Orchard Lane\nSpringfield, IL 62701")
ADDRESS = RegisteredAddress(FOOTER.postal_address)
LINK = '<a href="https://acme.test/out?u=1">Unsubscribe</a>'
STORY = "<p>Our apples are ripe, and this week they are cheaper than ever before. Come and taste them.</p>"


def read(html: str) -> HtmlReading:
    octets = html.encode()
    return read_html(octets, FOOTER, ADDRESS, "")


def found(html: str) -> list[str]:
    fast = [link.text for link in read(html).bottom]
    careful = [link.text for link in read_carefully(html.encode(), FOOTER, ADDRESS).bottom]
    assert not fast or fast == careful, "where the fast reader sees a link, the careful one must"
    return fast


def page(footer: str, head: str = "", body: str = "") -> str:
    return f"<html><head>{head}</head><body {body}>{STORY}{footer}</body></html>"


def styled(css: str, inner: str = LINK) -> str:
    return page(f'<div style="{css}">{inner}</div>')


def link_styled(css: str) -> str:
    return page(f'<p><a style="{css}" href="https://acme.test/out">Unsubscribe</a></p>')


HIDING = {
    "display none": styled("display:none"),
    "display none, spaced and upper case": styled("DISPLAY : NONE"),
    "display none, important": styled("display:none !important"),
    "display none on the link": link_styled("display:none"),
    "visibility hidden": styled("visibility:hidden"),
    "visibility collapse": styled("visibility: collapse"),
    "opacity zero": styled("opacity:0"),
    "opacity near zero": styled("opacity:.05"),
    "opacity in per cent": styled("opacity:2%"),
    "opacity multiplied": styled("opacity:.5", f'<div style="opacity:.4">{LINK}</div>'),
    "font size zero": styled("font-size:0"),
    "font size one pixel": styled("font-size:1px"),
    "font size under six pixels": styled("font-size:5.9px"),
    "font size in points": styled("font-size:3pt"),
    "font size in ems of a small one": styled("font-size:10px", f'<span style="font-size:.4em">{LINK}</span>'),
    "font size in per cent": styled("font-size:20%"),
    "font shorthand": styled("font:1px/1 Arial"),
    "white on white": link_styled("color:#fff"),
    "white on white by name": link_styled("color:white"),
    "near white on white": link_styled("color:#f4f4f4"),
    "white on white by rgb": link_styled("color:rgb(255, 255, 255)"),
    "white on white by hsl": link_styled("color:hsl(0,0%,99%)"),
    "transparent text": link_styled("color:transparent"),
    "nearly transparent text": link_styled("color:rgba(0,0,0,.05)"),
    "hex with alpha": link_styled("color:#00000008"),
    "black on black cell": page('<table><tr><td bgcolor="#000000"><a style="color:#000" href="#">Unsubscribe</a></td></tr></table>'),
    "same as inherited background": page('<div style="background:#336699"><p><a style="color:#336699" href="#">Unsubscribe</a></p></div>'),
    "font tag in the background's colour": page('<p><a href="#"><font color="#ffffff">Unsubscribe</font></a></p>'),
    "white by the body's link colour": page(LINK, body='link="#ffffff"'),
    "text fill colour": link_styled("-webkit-text-fill-color:#fff"),
    "on a picture nobody knows": page('<div style="background:url(x.png)"><a style="color:#fff" href="#">Unsubscribe</a></div>'),
    "hidden attribute": page(f"<div hidden>{LINK}</div>"),
    "template": page(f"<template>{LINK}</template>"),
    "noscript": page(f"<noscript>{LINK}</noscript>"),
    "title": f"<html><head><title>{LINK}</title></head><body>{STORY}</body></html>",
    "comment": page(f"<!-- {LINK} -->"),
    "conditional comment": page(f"<!--[if mso]>{LINK}<![endif]-->"),
    "shown to all but Outlook": page(f"<!--[if !mso]><!-->{LINK}<!--<![endif]-->"),
    "hidden from Outlook": styled("mso-hide:all"),
    "textarea": page(f"<textarea>{LINK}</textarea>"),
    "select": page("<select><option>Unsubscribe</option></select>"),
    "closed details": page(f"<details><summary>More</summary>{LINK}</details>"),
    "marquee": page(f"<marquee>{LINK}</marquee>"),
    "absolute": styled("position:absolute;left:-9999px"),
    "absolute without offset": styled("position:absolute"),
    "fixed": styled("position:fixed;top:0"),
    "relative far away": styled("position:relative;left:-5000px"),
    "indented away": styled("text-indent:-9999px"),
    "indented away to the right": styled("text-indent:2000px;overflow:hidden;white-space:nowrap"),
    "margin far left": styled("margin-left:-2000px"),
    "margin shorthand": styled("margin:-500px 0 0 0"),
    "margin by calculation": styled("margin-top:calc(-100vh)"),
    "no height": styled("height:0;overflow:hidden"),
    "no height without overflow": styled("height:0"),
    "max height zero": styled("max-height:0px;overflow:hidden"),
    "no width": styled("width:0;overflow:hidden"),
    "one pixel box": styled("width:1px;height:1px;overflow:hidden"),
    "clip": styled("clip:rect(0 0 0 0)"),
    "clip path": styled("clip-path:inset(100%)"),
    "scaled away": styled("transform:scale(0)"),
    "moved away by transform": styled("transform:translateX(-9999px)"),
    "filter": styled("filter:opacity(0)"),
    "mask": styled("mask:linear-gradient(transparent,transparent)"),
    "zoom": styled("zoom:0.01"),
    "letters pushed together": styled("letter-spacing:-1em"),
    "line height of a pixel": styled("line-height:1px;overflow:hidden"),
    "behind the page": styled("z-index:-1;position:relative"),
    "no pointer": link_styled("pointer-events:none"),
    "content visibility": styled("content-visibility:hidden"),
    "unknown display": styled("display:-moz-popup"),
    "class": page(f'<p class="x">{LINK}</p>', "<style>.x{display:none}</style>"),
    "class among others": page(f'<p class="a x b">{LINK}</p>', "<style>p.x{display:none}</style>"),
    "id": page(f'<p id="x">{LINK}</p>', "<style>#x{font-size:0}</style>"),
    "tag": page(LINK, "<style>a{color:#fff}</style>"),
    "descendant": page(f'<div class="f"><p>{LINK}</p></div>', "<style>.f p a{display:none}</style>"),
    "child": page(f'<div class="f"><p>{LINK}</p></div>', "<style>.f > p > a{opacity:0}</style>"),
    "list of selectors": page(f'<p class="x">{LINK}</p>', "<style>.y, .x , .z{display:none}</style>"),
    "attribute selector": page(f'<p data-k="v">{LINK}</p>', "<style>[data-k=v]{display:none}</style>"),
    "href selector": page(LINK, '<style>a[href*="out"]{display:none}</style>'),
    "universal": page(LINK, "<style>*{color:#fff}</style>"),
    "later rule wins": page(f'<p class="x">{LINK}</p>', "<style>.x{display:block}.x{display:none}</style>"),
    "heavier rule wins": page(f'<p class="x" id="i">{LINK}</p>', "<style>#i{display:none}.x{display:block}</style>"),
    "important over inline": page(f'<p class="x" style="display:block">{LINK}</p>', "<style>.x{display:none!important}</style>"),
    "commented style": page(f'<p class="x">{LINK}</p>', "<style><!-- .x{display:none} --></style>"),
    "comment in style": page(f'<p class="x">{LINK}</p>', "<style>.x{/* hi */display:/**/none}</style>"),
    "media query": page(f'<p class="x">{LINK}</p>', "<style>@media (max-width:600px){.x{display:none!important}}</style>"),
    "media attribute": page(f'<p class="x">{LINK}</p>', '<style media="(max-width:600px)">.x{display:none}</style>'),
    "dark mode": page(
        f'<div class="d">{LINK}</div>',
        "<style>@media (prefers-color-scheme:dark){.d{background:#000}a{color:#000}}</style>",
    ),
    "supports": page(f'<p class="x">{LINK}</p>', "<style>@supports (display:grid){.x{display:none}}</style>"),
    "pseudo class": page(f'<p class="x">{LINK}</p>', "<style>p:not(.y){display:none}</style>"),
    "link pseudo class": page(LINK, "<style>a:link{color:#fff}</style>"),
    "first child": page(f"<div>{LINK}</div>", "<style>a:first-child{font-size:0}</style>"),
    "sibling": page(f"<h6>x</h6><p>{LINK}</p>", "<style>h6 + p{display:none}</style>"),
    "two style elements": page(f'<p class="x">{LINK}</p>', "<style>b{color:red}</style><style>.x{display:none}</style>"),
    "style in the body": page(f'<style>.x{{display:none}}</style><p class="x">{LINK}</p>'),
    "sheet from elsewhere": page(LINK, '<link rel="stylesheet" href="https://acme.test/a.css">'),
    "import": page(LINK, '<style>@import url("https://acme.test/a.css");</style>'),
    "braces in strings": page(f'<p class="x">{LINK}</p>', '<style>p:before{content:"}"}.x{display:none}</style>'),
    "picture without alt": page('<p><a href="https://acme.test/unsubscribe"><img src="u.png"></a></p>'),
    "empty link": page('<p><a href="https://acme.test/unsubscribe"></a></p>'),
    "no href": page("<p><a>Unsubscribe</a></p>"),
    "no link at all": page("<p>Unsubscribe</p>"),
    "button": page("<p><button>Unsubscribe</button></p>"),
    "script link": page('<p><a href="javascript:void(0)">Unsubscribe</a></p>'),
    "above the content": f"<html><body><p>{LINK}</p>{STORY}<p>Read all about pears and plums on our pages.</p></body></html>",
    "above one short line": f"<html><body>{STORY}<p>{LINK}</p><p>See you on Monday, Anne</p></body></html>",
    "above a picture": page(f'<p>{LINK}</p><p><img src="big.jpg" width="600" height="400"></p>'),
    "above a call to action": page(f'<p>{LINK}</p><p><a href="https://acme.test">Shop now</a></p>'),
    "above a form": page(f"<p>{LINK}</p><form><input type=text><button>Go</button></form>"),
    "preheader only": f'<html><body><div style="display:none">{LINK}</div>{STORY}</body></html>',
    "preferences only": page('<p><a href="https://acme.test/settings">Manage your preferences</a></p>'),
    "a story about opting out": page('<p><a href="https://acme.test/blog">Why people unsubscribe from newsletters and what you can do about it today</a></p>'),
    "how to": page('<p><a href="https://acme.test/help">How to unsubscribe</a></p>'),
    "subscribe": page('<p><a href="https://acme.test/subscribe">Subscribe</a></p>'),
    "said of something else": page('<p>Read our privacy policy <a href="https://acme.test/privacy">here</a></p>'),
}  # fmt: skip


@pytest.mark.parametrize("trick", HIDING)
def test_a_link_that_nobody_sees_at_the_bottom_does_not_count(trick):
    assert found(HIDING[trick]) == []


HONEST = {
    "plain": page(f"<p>{LINK}</p>"),
    "sentence": page(f"<p>If you want no more of these mails, {LINK} at any time.</p>"),
    "upper case": page('<p><a href="https://acme.test/o">UNSUBSCRIBE</a></p>'),
    "single quotes": page("<p><a href='https://acme.test/o'>Unsubscribe</a></p>"),
    "no quotes": page("<p><a href=https://acme.test/o>Unsubscribe</a></p>"),
    "stub": page('<p><a href="#">Unsubscribe</a></p>'),
    "empty href": page('<p><a href="">Unsubscribe</a></p>'),
    "mailto": page('<p><a href="mailto:out@acme.test">Unsubscribe</a></p>'),
    "merge tag": page('<p><a href="{{ unsub }}">Unsubscribe</a></p>'),
    "placeholder whatever it says": page('<p><a href="{{unsubscribe_url}}">Change my mind</a></p>'),
    "click here": page('<p>To unsubscribe, <a href="https://acme.test/o">click here</a>.</p>'),
    "here, said after": page('<p>Click <a href="https://acme.test/o">here</a> to unsubscribe.</p>'),
    "question first": page('<p>No longer want to receive these mails? <a href="https://acme.test/o">Click here</a>.</p>'),
    "the URL says so": page('<p>Not for you? <a href="https://acme.test/unsubscribe/1">Click here</a></p>'),
    "grey": page('<p style="color:#999"><a style="color:#999" href="#">Unsubscribe</a></p>'),
    "pale grey": page('<p><a style="color:#aaaaaa" href="#">Unsubscribe</a></p>'),
    "white on dark": page('<div style="background-color:#222"><a style="color:#eee" href="#">Unsubscribe</a></div>'),
    "reset inside nothing": page(f'<td style="font-size:0"><div style="font-size:12px">{LINK}</div></td>'),
    "visible again": styled("visibility:hidden", f'<span style="visibility:visible">{LINK}</span>'),
    "eleven pixels": styled("font-size:11px"),
    "font shorthand": styled("font:12px/18px Arial,sans-serif"),
    "span inside": page('<p><a href="#"><span style="color:#333"><b>Unsub</b>scribe</span></a></p>'),
    "soft hyphen": page('<p><a href="#">Un&shy;subscribe</a></p>'),
    "non-breaking space": page('<p><a href="#">Unsubscribe&nbsp;here</a></p>'),
    "picture with alt": page('<p><a href="#"><img src="u.png" alt="Unsubscribe" width="100" height="20"></a></p>'),
    "copyright below": page(f"<p>{LINK}</p><p>© 2026 Acme Foods. All rights reserved.</p>"),
    "address below": page(f"<p>{LINK}</p><p>Acme Foods<br>12 Orchard Lane<br>Springfield, IL 62701</p>"),
    "another address below": page(f"<p>{LINK}</p><p>Plum Trading Ltd, 7 Harbour Road, Bristol BS1 5TY</p>"),
    "footer links below": page(f'<p>{LINK} | <a href="#">Privacy policy</a> | <a href="#">View in browser</a></p>'),
    "social icons below": page(f'<p>{LINK}</p><p><a href="https://facebook.com/a"><img src="f.png" alt="Facebook" width="32"></a></p>'),
    "tracking pixel below": page(f'<p>{LINK}</p><img src="t.gif" width="1" height="1">'),
    "why you get this, below": page(f"<p>{LINK}</p><p>You are receiving this because you signed up at acme.test.</p>"),
    "hidden spacer below": page(f'<p>{LINK}</p><div style="display:none">Read all about pears and plums.</div>'),
    "comment below": page(f"<p>{LINK}</p><!-- end of the story, begin of another -->"),
    "no body tag": f"{STORY}<p>{LINK}</p>",
    "broken table": f"<table><tr><td>{STORY}<tr><td>{LINK}</table>",
    "after the end tags": f"<html><body>{STORY}</body></html><p>{LINK}</p>",
    "font sheet": page(LINK, '<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Inter">'),
    "hover rule": page(LINK, "<style>a:hover{color:#fff;display:none}</style>"),
    "print rule": page(LINK, "<style>@media print{a{display:none}}</style>"),
    "font face": page(LINK, "<style>@font-face{font-family:x;src:url(x)}</style>"),
    "rule for others": page(LINK, "<style>.mobile{display:none}td.x a{color:#fff}</style>"),
    "overridden by a heavier rule": page(f'<p class="x" id="i">{LINK}</p>', "<style>#i{display:block}.x{display:none}</style>"),
    "overridden inline": page(f'<p class="x" style="display:block">{LINK}</p>', "<style>.x{display:none}</style>"),
    "Indonesian": page('<p><a href="#">Berhenti berlangganan</a></p>'),
    "Indonesian sentence": page('<p>Tidak ingin menerima email ini? <a href="#">Klik di sini</a>.</p>'),
    "German": page('<p><a href="#">Newsletter abbestellen</a></p>'),
    "French": page('<p><a href="#">Se désabonner</a></p>'),
    "Spanish": page('<p><a href="#">Darse de baja</a></p>'),
    "Portuguese": page('<p><a href="#">Cancelar inscrição</a></p>'),
    "Italian": page('<p><a href="#">Annulla l’iscrizione</a></p>'),
    "Dutch": page('<p><a href="#">Uitschrijven</a></p>'),
    "Swedish": page('<p><a href="#">Avprenumerera</a></p>'),
    "Polish": page('<p><a href="#">Wypisz się</a></p>'),
    "Turkish": page('<p><a href="#">Abonelikten çık</a></p>'),
    "Russian": page('<p><a href="#">Отписаться</a></p>'),
    "Greek": page('<p><a href="#">Διαγραφή</a></p>'),
    "Japanese": page('<p><a href="#">メール配信停止はこちら</a></p>'),
    "Chinese": page('<p><a href="#">点击退订</a></p>'),
    "Korean": page('<p><a href="#">수신거부</a></p>'),
    "Thai": page('<p><a href="#">ยกเลิกการรับข่าวสาร</a></p>'),
    "Vietnamese": page('<p><a href="#">Hủy đăng ký</a></p>'),
    "Arabic": page('<p dir="rtl"><a href="#">إلغاء الاشتراك</a></p>'),
    "Hebrew": page('<p dir="rtl"><a href="#">להסרה מרשימת התפוצה</a></p>'),
    "Hindi": page('<p><a href="#">सदस्यता समाप्त करें</a></p>'),
}  # fmt: skip


@pytest.mark.parametrize("footer", HONEST)
def test_an_honest_footer_is_recognised(footer):
    assert len(found(HONEST[footer])) == 1


def test_the_place_of_the_href_is_its_value_in_the_source():
    html = page("<p><a class=x HREF = 'https://acme.test/o?a=1&amp;b=2' id=y>Unsubscribe</a></p>").encode()

    link = read_html(html, FOOTER, ADDRESS, "").bottom[0].href

    assert html[link.start : link.end] == b"https://acme.test/o?a=1&amp;b=2"
    assert link.value == "https://acme.test/o?a=1&b=2"


def test_a_link_of_ours_counts_whatever_it_says():
    html = page('<p><a href="https://relay.test/u/TOKEN">No thanks</a></p>').encode()

    assert read_html(html, FOOTER, ADDRESS, "https://relay.test/u/").bottom[0].text == "No thanks"


def test_an_opt_out_link_above_the_content_is_still_rewritten():
    reading = read(f"<html><body><p>{LINK}</p>{STORY}</body></html>")

    assert [link.text for link in reading.above] == ["Unsubscribe"]
    assert reading.bottom == []


def test_a_hidden_opt_out_link_above_is_left_alone():
    assert read(f'<html><body><p style="display:none">{LINK}</p>{STORY}</body></html>').above == []


def test_links_that_parsers_nest_differently_are_left_alone():
    reading = read(page(f"<a href='#1'><div>{LINK}</div>"))

    assert reading.bottom == []
    assert reading.doubt == "links that do not nest"
