"""What each rule asks of a sender and how to comply: for `/help/RULE`, refusal pages and `relay explain`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guidance:
    """One rule in words a customer understands, English and Indonesian."""

    asks: str
    mend: str
    asks_id: str
    mend_id: str

    def in_language(self, language: str) -> tuple[str, str]:
        """(what the rule asks, how to comply)."""
        return (self.asks_id, self.mend_id) if language == "id" else (self.asks, self.mend)


GUIDANCE: dict[str, Guidance] = {
    "standing.pending": Guidance(
        "A new account writes to its own addresses only, until it has accepted the policy, registered a postal address "
        "and, where the platform asks for it, was approved.",
        "Accept the policy and register your postal address with the platform. Until then, test with addresses at your "
        "own verified domain.",
        "Akun baru hanya boleh mengirim ke alamatnya sendiri, sampai kebijakan disetujui dan alamat pos didaftarkan.",
        "Setujui kebijakan dan daftarkan alamat pos Anda. Sementara itu, uji dengan alamat di domain Anda sendiri.",
    ),
    "standing.suspended": Guidance(
        "The account is suspended until a person has looked at it; nothing was decided for good.",
        "Contact the platform. Tell where the recipients' permission comes from and what you change.",
        "Akun ditangguhkan sampai seseorang memeriksanya; belum ada keputusan akhir.",
        "Hubungi platform. Jelaskan dari mana izin penerima berasal dan apa yang Anda ubah.",
    ),
    "standing.deactivated": Guidance(
        "The account was closed by a person, with a written reason.",
        "Contact the platform if you think this is wrong.",
        "Akun ditutup oleh seseorang dengan alasan tertulis.",
        "Hubungi platform bila menurut Anda ini keliru.",
    ),
    "identity.reverse_path": Guidance(
        "The envelope sender (MAIL FROM) is at a domain that your account has verified.",
        "Verify the domain with the platform (a TXT record), or set the envelope sender of your program to an address at "
        "a verified domain.",
        "Pengirim amplop (MAIL FROM) berada di domain yang sudah diverifikasi akun Anda.",
        "Verifikasi domain tersebut (catatan TXT), atau ubah pengirim amplop ke alamat di domain yang terverifikasi.",
    ),
    "identity.from": Guidance(
        "The addresses in From and Sender are at domains that your account has verified.",
        "Write From an address at a verified domain of yours; put another person's address into Reply-To.",
        "Alamat pada From dan Sender berada di domain yang sudah diverifikasi akun Anda.",
        "Gunakan From dengan alamat di domain Anda yang terverifikasi; letakkan alamat orang lain di Reply-To.",
    ),
    "identity.unaligned": Guidance(
        "Mail is signed for the domain in From, so that receivers can tell that the sender is right.",
        "Have the platform make a DKIM key for the domain and publish the record it shows you in your DNS.",
        "Email ditandatangani untuk domain pada From, agar penerima tahu bahwa pengirimnya benar.",
        "Minta platform membuat kunci DKIM untuk domain tersebut dan pasang catatannya di DNS Anda.",
    ),
    "stream.mismatch": Guidance(
        "A login for service or personal mail sends what one person writes to another, not the same to many.",
        "Send newsletters and offers with a marketing login, to people who gave permission; ask the platform if a "
        "limit is too low for what you do.",
        "Login untuk email layanan atau pribadi dipakai untuk surat antarorang, bukan isi yang sama ke banyak orang.",
        "Kirim buletin dan penawaran dengan login pemasaran kepada penerima yang memberi izin; hubungi platform bila "
        "batasnya terlalu rendah.",
    ),
    "volume.per_day": Guidance(
        "An account sends no more copies a day than was agreed with the platform.",
        "Wait until the next day (UTC): your mail system tries again by itself. Ask the platform for a higher limit.",
        "Akun tidak mengirim lebih banyak salinan per hari daripada yang disepakati dengan platform.",
        "Tunggu hari berikutnya (UTC): sistem email Anda mencoba lagi sendiri. Minta batas lebih tinggi ke platform.",
    ),
    "volume.reports": Guidance(
        "Reports and automatic answers (with an empty envelope sender) stay few.",
        "Look whether two programs answer each other; each sender should get one automatic answer in several days.",
        "Laporan dan balasan otomatis (dengan pengirim amplop kosong) tetap sedikit.",
        "Periksa apakah dua program saling membalas; tiap pengirim cukup mendapat satu balasan dalam beberapa hari.",
    ),
    "volume.ramp": Guidance(
        "A new list of many addresses is let in day by day: a first share at once, twice as much each day after.",
        "Try again later: your mail system does so by itself, and the reply says from when on. Send the same campaign "
        "again the next day if it does not.",
        "Daftar baru dengan banyak alamat dibuka bertahap: sebagian dahulu, lalu dua kali lipat setiap hari.",
        "Coba lagi nanti: sistem email Anda melakukannya sendiri, dan balasannya menyebut sejak kapan. Bila tidak, "
        "kirim lagi kampanye yang sama keesokan harinya.",
    ),
    "consent.quarantined": Guidance(
        "An import is worth what its addresses show: one that looks bought or collected waits for a person, and one "
        "that brings complaints and bounces is stopped.",
        "Tell the platform where these addresses come from and how they agreed; a person releases the import or not. "
        "An import that was broken off is finished by running the same command again.",
        "Sebuah impor dinilai dari alamat-alamatnya: yang tampak dibeli atau dikumpulkan menunggu keputusan seseorang, "
        "dan yang menimbulkan keluhan serta pantulan dihentikan.",
        "Jelaskan kepada platform asal alamat-alamat ini dan cara mereka menyetujui; seseorang akan memutuskan. Impor "
        "yang terputus diselesaikan dengan menjalankan perintah yang sama sekali lagi.",
    ),
    "consent.missing": Guidance(
        "Each recipient gave this account permission, on the list that is mailed, and date and source are on record.",
        "Remove the address, or ask the person to sign up. If you hold the permission, import it with its date and source.",
        "Setiap penerima telah memberi izin kepada akun ini, dengan tanggal dan sumber yang tercatat.",
        "Hapus alamat tersebut, atau minta orangnya mendaftar. Bila izin ada, impor dengan tanggal dan sumbernya.",
    ),
    "consent.unconfirmed": Guidance(
        "On a double opt-in list each recipient confirmed the subscription by a link in a mail.",
        "Wait until the person confirms, or send them the confirmation mail again.",
        "Pada daftar double opt-in setiap penerima mengonfirmasi langganannya melalui tautan di email.",
        "Tunggu sampai orangnya mengonfirmasi, atau kirim ulang email konfirmasi.",
    ),
    "consent.expired": Guidance(
        "Permission or the last contact is less than 2 years old.",
        "Do not write to this address any more; only a new sign-up by the person renews the permission.",
        "Izin atau kontak terakhir berumur kurang dari 2 tahun.",
        "Jangan mengirim lagi ke alamat ini; hanya pendaftaran baru oleh orangnya yang memperbarui izin.",
    ),
    "consent.withdrawn": Guidance(
        "Whoever has opted out is left alone.",
        "Remove the address from your list. Only a new double opt-in by the person lifts this.",
        "Siapa pun yang sudah berhenti berlangganan tidak dikirimi lagi.",
        "Hapus alamat dari daftar Anda. Hanya double opt-in baru oleh orangnya yang mencabut ini.",
    ),
    "consent.complained": Guidance(
        "Whoever reported your mail as spam is left alone.",
        "Remove the address everywhere, and look at where you got it.",
        "Siapa pun yang melaporkan email Anda sebagai spam tidak dikirimi lagi.",
        "Hapus alamat dari semua daftar, dan periksa dari mana Anda mendapatkannya.",
    ),
    "consent.unreachable": Guidance(
        "Dead mailboxes are not written to again.",
        "Remove the address; ask the person for a new one by other means.",
        "Kotak surat yang mati tidak dikirimi lagi.",
        "Hapus alamat tersebut; minta alamat baru kepada orangnya melalui cara lain.",
    ),
    "consent.list": Guidance(
        "Every recipient of one message permitted the list that the message names in X-Relay-List.",
        "Remove the recipients without permission on that list and send again; nothing was sent.",
        "Setiap penerima mengizinkan daftar yang disebut pesan pada X-Relay-List.",
        "Hapus penerima tanpa izin pada daftar itu lalu kirim lagi; tidak ada yang terkirim.",
    ),
    "list.unknown": Guidance(
        "The list that a message is sent under exists in the account.",
        "Correct the list's name (XLIST, X-Relay-List or the credential's list), or create the list.",
        "Daftar yang dipakai untuk mengirim ada di akun.",
        "Perbaiki nama daftar (XLIST, X-Relay-List atau daftar kredensial), atau buat daftarnya.",
    ),
    "address.role": Guidance(
        "Addresses that belong to nobody in particular (info@, admin@, sales@ …) are not mailed.",
        "Use the person's own address, or have this very address confirm by double opt-in.",
        "Alamat yang bukan milik orang tertentu (info@, admin@, sales@ …) tidak dikirimi.",
        "Gunakan alamat pribadi, atau minta alamat itu sendiri mengonfirmasi melalui double opt-in.",
    ),
    "message.malformed": Guidance(
        "The message is well-formed: lines end in CR LF and are at most 998 octets long, every header line is a field in "
        "ASCII, and From, Sender, To, Date, Subject and Content-Type stand once.",
        "Send with an up-to-date mail library; encode subjects and names (RFC 2047) and long lines (quoted-printable).",
        "Pesan tersusun dengan benar: baris diakhiri CR LF, paling panjang 998 oktet; setiap baris header adalah kolom dalam "
        "ASCII; From, Sender, To, Date, Subject, dan Content-Type hanya sekali.",
        "Gunakan pustaka email yang mutakhir; enkode subjek dan nama (RFC 2047) serta baris panjang (quoted-printable).",
    ),
    "message.too_large": Guidance(
        "The message is not larger than the platform allows.",
        "Make it smaller: link to files instead of attaching them.",
        "Ukuran pesan tidak melebihi batas platform.",
        "Perkecil pesan: beri tautan ke berkas, jangan dilampirkan.",
    ),
    "message.loop": Guidance(
        "A message does not go round in circles.",
        "Look at the Received fields: some system hands mail back to this relay.",
        "Pesan tidak berputar-putar.",
        "Periksa kolom Received: ada sistem yang mengembalikan email ke relay ini.",
    ),
    "message.opaque": Guidance(
        "The relay can read the message and write an unsubscribe link into it.",
        "Send it unencrypted: a signature over the text may stay. Staff may allow an account encrypted mail.",
        "Relay dapat membaca pesan dan menuliskan tautan berhenti berlangganan.",
        "Kirim tanpa enkripsi; tanda tangan atas teks boleh tetap ada. Staf dapat mengizinkan email terenkripsi.",
    ),
    "footer.postal_address": Guidance(
        "The sender's registered postal address stands in each footer.",
        "Put the registered address at the end of the message, or write {{postal_address}} there.",
        "Alamat pos pengirim yang terdaftar tercantum di setiap footer.",
        "Tulis alamat terdaftar di akhir pesan, atau tulis {{postal_address}} di sana.",
    ),
    "footer.foreign_address": Guidance(
        "The postal address in the footer is your own, not one that another sender here registered.",
        "Put your registered address there. If you send for that organisation, have it added as a footer identity of "
        "your account.",
        "Alamat pos di footer adalah milik Anda sendiri, bukan alamat yang didaftarkan pengirim lain di sini.",
        "Tulis alamat terdaftar Anda. Bila Anda mengirim untuk organisasi itu, minta ditambahkan sebagai identitas "
        "footer akun Anda.",
    ),
    "unsubscribe.link": Guidance(
        "An unsubscribe link that people see stands at the bottom of each message.",
        "Write {{unsubscribe_url}} as the link at the end of text and HTML; the relay fills in each recipient's own.",
        "Tautan berhenti berlangganan yang terlihat ada di bagian bawah setiap pesan.",
        "Tulis {{unsubscribe_url}} sebagai tautan di akhir teks dan HTML; relay mengisinya untuk tiap penerima.",
    ),
    "smarthost.refused": Guidance(
        "The next mail system took the message.",
        "The text after the rule is that system's own answer; it tells what to change.",
        "Sistem email berikutnya menerima pesan.",
        "Teks setelah nama aturan adalah jawaban sistem tersebut; di situ tertulis apa yang harus diubah.",
    ),
    "smarthost.unavailable": Guidance(
        "The next mail system can be reached.",
        "Try again later; nothing is wrong with your message.",
        "Sistem email berikutnya dapat dihubungi.",
        "Coba lagi nanti; pesan Anda tidak bermasalah.",
    ),
    "internal": Guidance(
        "The relay works as it should.",
        "Try again later; nothing is wrong with your message. If it happens again, send us the reference.",
        "Relay bekerja sebagaimana mestinya.",
        "Coba lagi nanti; pesan Anda tidak bermasalah. Bila terulang, kirimkan referensinya kepada kami.",
    ),
}
"""By rule id; a test keeps it whole."""
