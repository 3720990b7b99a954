"""The confirmation mail: what a person is asked, in their language, with the words they will have agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from relay.permission.letter_html import letter_html
from relay.permission.plain_words import plain_words
from relay.permission.questions import Form, Question
from relay.permission.stationery import Letter

_WORDINGS: Mapping[str, str] = {
    "en": "Yes, I want to receive email from {organisation} on the list “{list}”. I can stop at any time.",
    "id": "Ya, saya mau menerima email dari {organisation} melalui daftar “{list}”. Saya dapat berhenti kapan saja.",
}
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "Please confirm: {list}",
        "greeting": "One step is left",
        "asked": "{organisation} was asked to send email to {address} on the list “{list}”.",
        "agree": "If you want that, open this page and press the button. You then agree to this:",
        "button": "Go to the confirmation page",
        "ignore": "Was it not you? Then do nothing, and nothing will be sent. On the same page you can say that you "
        "did not ask for this: then nobody on {platform} asks you again for 90 days.",
        "lapse": "The link works for 30 days.",
        "sender": "{platform} sends this message for {organisation}, so that nobody gets mail they did not ask for.",
    },
    "id": {
        "subject": "Mohon konfirmasi: {list}",
        "greeting": "Tinggal satu langkah",
        "asked": "{organisation} diminta mengirim email ke {address} melalui daftar “{list}”.",
        "agree": "Jika Anda menginginkannya, buka halaman ini dan tekan tombolnya. Dengan itu Anda menyetujui:",
        "button": "Buka halaman konfirmasi",
        "ignore": "Bukan Anda? Abaikan saja, dan tidak ada yang akan dikirim. Di halaman yang sama Anda dapat "
        "menyatakan bahwa Anda tidak memintanya: selama 90 hari tidak ada pengirim di {platform} yang bertanya lagi.",
        "lapse": "Tautan ini berlaku selama 30 hari.",
        "sender": "{platform} mengirim pesan ini untuk {organisation}, agar tidak ada email yang tidak diminta.",
    },
}


def wording(form: Form, language: str) -> str:
    """The words a person agrees to by confirming; kept with the consent exactly as they were shown."""
    return wording_for(form.organisation, form.title, language)


def wording_for(organisation: str, title: str, language: str) -> str:
    """The same by names."""
    return _WORDINGS[language].format(organisation=plain_words(organisation), list=plain_words(title))


def confirmation_letter(question: Question, platform: str, link: str) -> Letter:
    """Text and HTML say the same; the account's own words are plain in both."""
    form = question.form
    values = {
        "organisation": plain_words(form.organisation),
        "list": plain_words(form.title),
        "platform": platform,
        "address": str(question.address),
    }
    said = {name: text.format_map(values) for name, text in _TEXTS[question.language].items()}
    return Letter(
        to=str(question.address),
        sender=f"{values['organisation']} via {platform}",
        reply_to=str(form.reply_to),
        subject=said["subject"],
        language=question.language,
        text=_text(said, question.wording, link),
        html=_html(said, question.wording, link, question.language),
    )


def _text(said: Mapping[str, str], words: str, link: str) -> str:
    paragraphs = [said["asked"], said["agree"], f"    {words}", f"{said['button']}:\n{link}"]
    return "\n\n".join([*paragraphs, said["ignore"], said["lapse"], f"-- \n{said['sender']}"]) + "\n"


def _html(said: Mapping[str, str], words: str, link: str, language: str) -> str:
    paragraphs = [escape(said["asked"]), escape(said["agree"]), f"<em>{escape(words)}</em>"]
    after = [escape(said["ignore"]), escape(said["lapse"])]
    return letter_html(language, said["greeting"], paragraphs, (said["button"], link), after, said["sender"])
