"""The policy's clauses by their titles, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from policies.clauses import CLAUSES

INDONESIAN: Mapping[str, str] = {
    "1.1": "Memakai layanan berarti menyetujui kebijakan",
    "1.2": "Spam berakhir dengan penutupan akun seketika",
    "1.3": "Biaya yang sudah dibayar tidak dikembalikan",
    "2.1": "Email komersial massal tanpa izin adalah spam",
    "2.2": "Isi yang sama kepada banyak orang, tanpa memandang orangnya, menandai kiriman massal",
    "2.3": "Penerima melakukan tindakan yang tegas dan terverifikasi",
    "3.1": "Email hanya untuk orang yang memberi izin, dan berhenti ketika mereka menolak",
    "3.2": "Tidak ada daftar yang dibeli, disewa, dipinjam, atau milik pihak ketiga",
    "3.3": "Tidak ada alamat yang dikumpulkan dari tempat umum",
    "3.4": "Tidak untuk siapa pun yang tidak dihubungi selama dua tahun terakhir",
    "3.5": "Siapa yang ragu bertanya kepada kami",
    "4.1": "Tidak ada isi yang menyinggung",
    "4.2": "Tidak ada promosi barang ilegal",
    "4.3": "Tidak ada promosi kekerasan",
    "4.4": "Tidak untuk industri yang mengundang keluhan di atas rata-rata",
    "5.1": "Alamat pos pengirim yang terdaftar tercantum di setiap footer",
    "5.2": "Alamat pos selalu diperbarui",
    "5.3": "Yang dikatakan pesan tentang pengirimnya benar",
    "5.4": "Tautan berhenti berlangganan ada di bagian bawah",
    "5.5": "Tautan berhenti berlangganan tidak dapat dihapus",
    "5.6": "Platform sendiri menjalankan permintaan berhenti berlangganan",
    "6.1": "Pelanggan mendapat alat double opt-in",
    "6.2": "Daftar yang diimpor diverifikasi dan dilacak",
    "6.3": "Tidak ada alamat fungsi",
    "7.1": "Semua kegiatan pengiriman dipantau",
    "7.2": "Mengirim kepada orang tanpa izin menutup akun",
    "7.3": "Satu keluhan memperingatkan, keluhan berikutnya menangguhkan",
    "7.4": "Tidak ada keputusan sewenang-wenang: contoh diperiksa sebelum keputusan akhir",
    "7.5": "Akibat: penutupan, tanpa pengembalian, ganti rugi, tindakan hukum",
    "7.6": "Hanya untuk organisasi dengan daftar opt-in",
}

_ENGLISH = {clause.id: clause.title for clause in CLAUSES}


def clause_title(language: str, clause_id: str) -> str:
    """Empty where the policy has no such clause."""
    return (INDONESIAN if language == "id" else _ENGLISH).get(clause_id, "")
