"""What the public pages say, in English and Indonesian; the language is the link's, else the browser's."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("en", "id")

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "language_name": "English",
        "opt_out_title": "Stop these e-mails",
        "opt_out_list": "{organisation} sends e-mail to {address} on its list “{list}”.",
        "opt_out_sender": "{organisation} sends e-mail to {address}.",
        "button_list": "Unsubscribe from this list",
        "button_sender": "Stop everything from {organisation}",
        "button_everyone": "Stop every sender on {platform}",
        "more": "Other choices",
        "button_spam": "Report as spam",
        "spam_hint": "I never asked for this. {platform} looks into it.",
        "button_forwarded": "It was forwarded to me",
        "forwarded_hint": "Nothing is changed for {address}.",
        "done_title": "Done",
        "done_list": "{address} gets no more e-mail from {organisation} on the list “{list}”.",
        "done_sender": "{address} gets no more e-mail from {organisation}.",
        "done_everyone": "{address} gets no more e-mail from any sender on {platform}.",
        "done_spam": "Thank you. {address} gets no more e-mail from {organisation}, and {platform} looks into it.",
        "done_forwarded": "Nothing was changed. Ask whoever forwarded the message to leave you out, or ignore it.",
        "done_note": "It takes effect at once. You need do nothing more.",
        "not_found_title": "Nothing here",
        "not_found": "This address leads nowhere. Please use the whole link from the message.",
        "bad_title": "Not understood",
        "bad_request": "Please use the button on the page.",
        "unavailable_title": "Please try again",
        "unavailable": "We could not keep your wish just now, through a fault of ours. Please try again in a minute.",
        "unavailable_page": "This page cannot be shown just now, through a fault of ours.",
        "refusal_title": "Why a message was refused",
        "refusal_details": "Details",
        "refusal_rule": "Rule",
        "refusal_clause": "Policy clause",
        "refusal_reply": "The reply your mail program got",
        "refusal_recipients": "Recipients",
        "refusal_more": "and {count} more",
        "refusal_found": "What was found",
        "refusal_mend": "How to mend it",
        "refusal_at": "When",
        "ask": "Ask us: {contact}, naming {ref}.",
        "help_title": "The rule {rule}",
        "help_why": "Why",
        "help_how": "How to comply",
        "help_ask": "Questions? {contact}",
        "part_line": "part {part}, line {line}",
        "part_alone": "part {part}",
    },
    "id": {
        "language_name": "Bahasa Indonesia",
        "opt_out_title": "Hentikan email ini",
        "opt_out_list": "{organisation} mengirim email ke {address} melalui daftar “{list}”.",
        "opt_out_sender": "{organisation} mengirim email ke {address}.",
        "button_list": "Berhenti berlangganan daftar ini",
        "button_sender": "Hentikan semua dari {organisation}",
        "button_everyone": "Hentikan semua pengirim di {platform}",
        "more": "Pilihan lain",
        "button_spam": "Laporkan sebagai spam",
        "spam_hint": "Saya tidak pernah memintanya. {platform} akan memeriksanya.",
        "button_forwarded": "Email ini diteruskan kepada saya",
        "forwarded_hint": "Tidak ada yang berubah untuk {address}.",
        "done_title": "Selesai",
        "done_list": "{address} tidak lagi menerima email dari {organisation} melalui daftar “{list}”.",
        "done_sender": "{address} tidak lagi menerima email dari {organisation}.",
        "done_everyone": "{address} tidak lagi menerima email dari pengirim mana pun di {platform}.",
        "done_spam": "Terima kasih. {address} tidak lagi menerima email dari {organisation}, dan {platform} akan "
        "memeriksanya.",
        "done_forwarded": "Tidak ada yang diubah. Mintalah pengirim terusan ini untuk berhenti, atau abaikan.",
        "done_note": "Berlaku seketika. Anda tidak perlu melakukan apa-apa lagi.",
        "not_found_title": "Tidak ada apa-apa di sini",
        "not_found": "Alamat ini tidak mengarah ke mana pun. Gunakan tautan lengkap dari email.",
        "bad_title": "Tidak dimengerti",
        "bad_request": "Silakan gunakan tombol pada halaman.",
        "unavailable_title": "Silakan coba lagi",
        "unavailable": "Permintaan Anda belum tersimpan karena gangguan di pihak kami. Silakan coba sebentar lagi.",
        "unavailable_page": "Halaman ini belum dapat ditampilkan karena gangguan di pihak kami.",
        "refusal_title": "Mengapa sebuah pesan ditolak",
        "refusal_details": "Rincian",
        "refusal_rule": "Aturan",
        "refusal_clause": "Klausul kebijakan",
        "refusal_reply": "Balasan yang diterima program email Anda",
        "refusal_recipients": "Penerima",
        "refusal_more": "dan {count} lainnya",
        "refusal_found": "Yang ditemukan",
        "refusal_mend": "Cara memperbaikinya",
        "refusal_at": "Waktu",
        "ask": "Hubungi kami: {contact}, sebutkan {ref}.",
        "help_title": "Aturan {rule}",
        "help_why": "Mengapa",
        "help_how": "Cara mematuhinya",
        "help_ask": "Ada pertanyaan? {contact}",
        "part_line": "bagian {part}, baris {line}",
        "part_alone": "bagian {part}",
    },
}


def language_of(link: str | None, accept_language: str, otherwise: str) -> str:
    """The link's language where we speak it, else the first of Accept-Language that we do (RFC 9110 §12.5.4)."""
    if link in LANGUAGES:
        return link
    weighted = []
    for place, entry in enumerate(accept_language.split(",")[:20]):
        tag, _, parameter = entry.strip().partition(";")
        primary = {"in": "id"}.get(tag.split("-")[0].strip().lower(), tag.split("-")[0].strip().lower())
        quality = _quality(parameter)
        if primary in LANGUAGES and quality > 0:
            weighted.append((-quality, place, primary))
    return min(weighted)[2] if weighted else otherwise


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return max(0.0, min(1.0, float(value)))
    except ValueError:
        return 0.0
