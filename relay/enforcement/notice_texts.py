"""What owners are told of refusals, in English and Indonesian."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "first_subject": "{account}: mail was refused ({rule})",
        "first_title": "Mail of yours was refused",
        "first_intro": "{platform} refused mail of your account {account} on {at}. What is refused does not reach "
        "the recipients; your mail program was told so too.",
        "first_closing": "This is the first refusal after a quiet time, so we tell you at once. Should more follow, "
        "you get one summary a day, at {hour}, and after a whole day without refusals none.",
        "digest_subject": "{account}: {refusals} up to {until}",
        "digest_title": "{refusals} to look at",
        "digest_intro": "From {since} to {until} {platform} refused mail of your account {account}. What is refused "
        "does not reach the recipients; your mail program was told so each time.",
        "digest_closing": "As long as mail is refused you get this summary once a day, at {hour}; after a whole day "
        "without refusals it stops.",
        "refusal": "1 refusal",
        "refusals": "{count} refusals",
        "recipient": "1 recipient",
        "recipients": "{count} recipients",
        "time": "once",
        "times": "{count} times",
        "what": "What was refused",
        "newest": "The newest one",
        "whom": "Recipients",
        "more": "and {count} more",
        "asks": "What the rule asks",
        "mend": "What to do",
        "page": "See this refusal",
        "help": "About the rule {rule}",
        "ask": "Questions? {contact}, naming {ref}.",
        "why": "You get this because {email} is registered for the account {account} ({organisation}). Recipients "
        "are masked here; the pages behind the links can be opened for 30 days.",
    },
    "id": {
        "first_subject": "{account}: email ditolak ({rule})",
        "first_title": "Email Anda ditolak",
        "first_intro": "{platform} menolak email dari akun Anda {account} pada {at}. Yang ditolak tidak sampai ke "
        "penerima; program email Anda juga sudah diberi tahu.",
        "first_closing": "Ini penolakan pertama setelah masa tenang, jadi kami memberi tahu Anda seketika. Bila ada "
        "lagi, Anda menerima satu ringkasan sehari, pukul {hour}; setelah sehari tanpa penolakan tidak ada lagi.",
        "digest_subject": "{account}: {refusals} hingga {until}",
        "digest_title": "{refusals} untuk diperiksa",
        "digest_intro": "Dari {since} hingga {until} {platform} menolak email dari akun Anda {account}. Yang ditolak "
        "tidak sampai ke penerima; program email Anda diberi tahu setiap kali.",
        "digest_closing": "Selama masih ada email yang ditolak, Anda menerima ringkasan ini sekali sehari, pukul "
        "{hour}; setelah sehari penuh tanpa penolakan, ringkasan berhenti.",
        "refusal": "1 penolakan",
        "refusals": "{count} penolakan",
        "recipient": "1 penerima",
        "recipients": "{count} penerima",
        "time": "sekali",
        "times": "{count} kali",
        "what": "Yang ditolak",
        "newest": "Yang terbaru",
        "whom": "Penerima",
        "more": "dan {count} lainnya",
        "asks": "Yang diminta aturan ini",
        "mend": "Yang perlu dilakukan",
        "page": "Lihat penolakan ini",
        "help": "Tentang aturan {rule}",
        "ask": "Ada pertanyaan? {contact}, sebutkan {ref}.",
        "why": "Anda menerima ini karena {email} terdaftar untuk akun {account} ({organisation}). Alamat penerima "
        "disamarkan di sini; halaman di balik tautan dapat dibuka selama 30 hari.",
    },
}


def counted(language: str, name: str, count: int) -> str:
    """'1 refusal', '37 refusals'; `name` is the singular's."""
    return TEXTS[language][name if count == 1 else f"{name}s"].format(count=grouped(language, count))


def grouped(language: str, count: int) -> str:
    """Thousands apart, as the language has it: 1,204 or 1.204."""
    return f"{count:,}".replace(",", "." if language == "id" else ",")
