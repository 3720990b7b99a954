"""The letter with the link to one's own page: who here may write to this address."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from policies.address import Address
from relay.permission.letter_html import letter_html
from relay.permission.stationery import Letter

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "Who may write to you on {platform}",
        "asked": "Somebody asked {platform} who may write to {address}. Your page shows every sender, with one "
        "button to stop them all.",
        "button": "Open your page",
        "ignore": "Was it not you? Then do nothing: nothing is changed, and only this message shows the page.",
        "lapse": "The link works for 7 days.",
    },
    "id": {
        "subject": "Siapa yang boleh menulis kepada Anda di {platform}",
        "asked": "Seseorang bertanya kepada {platform} siapa yang boleh menulis ke {address}. Halaman Anda "
        "menampilkan setiap pengirim, dengan satu tombol untuk menghentikan semuanya.",
        "button": "Buka halaman Anda",
        "ignore": "Bukan Anda? Abaikan saja: tidak ada yang berubah, dan hanya pesan ini yang membuka halaman itu.",
        "lapse": "Tautan ini berlaku selama 7 hari.",
    },
}


def my_mail_letter(address: Address, platform: str, reply_to: str, link: str, language: str) -> Letter:
    """Text and HTML say the same."""
    values = {"platform": platform, "address": str(address)}
    said = {name: text.format_map(values) for name, text in _TEXTS[language].items()}
    text = "\n\n".join(
        [said["asked"], f"{said['button']}:\n{link}", said["ignore"], said["lapse"], f"-- \n{platform}"]
    )
    button, after = (said["button"], link), [escape(said["ignore"]), escape(said["lapse"])]
    html = letter_html(language, said["subject"], [escape(said["asked"])], button, after, platform)
    return Letter(str(address), platform, reply_to, said["subject"], language, f"{text}\n", html)
