"""What a copy differs in is told by part, in lines a person can read."""

from relay.differences import WIDE, differences

HEAD = b"From: a@b.test\r\nSubject: x\r\n"


def mime(*parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
    return HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + body


TEXT = b"Content-Type: text/plain\r\n\r\nHello\r\n"
PICTURE = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA"


def shown(before: bytes, after: bytes) -> list[tuple[str, list[str]]]:
    return [
        (one.title, [f"{line.mark} {line.text}" for line in one.lines]) for one in differences(before, after).sections
    ]


def test_nothing_differs_from_itself():
    message = mime(TEXT, PICTURE)

    assert differences(message, message).sections == ()
    assert differences(message, message).unchanged == 2


def test_header_and_parts_are_sections_and_attachments_are_counted():
    before = mime(TEXT, PICTURE)
    after = b"List-Id: <n>\r\n" + before.replace(b"Hello\r\n", b"Hello\r\n-- \r\nout\r\n")

    assert [title for title, _ in shown(before, after)] == ["header", "part 1 (text/plain)"]
    assert shown(before, after)[0][1][0] == "+ List-Id: <n>"
    assert shown(before, after)[1][1] == ["  Hello", "+ --", "+ out"]
    assert differences(before, after).unchanged == 1


def test_a_part_encoded_anew_with_the_same_text_is_unchanged():
    before = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\nHallo =\r\n"
    after = before.replace(b"utf-8\r\n", b"utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n").replace(
        b" =", b" =3D"
    )

    assert [title for title, _ in shown(before, after)] == ["header"]


def test_a_long_line_is_cut_around_what_changed():
    before = HEAD + b"\r\n" + b"x" * 3000 + b"old" + b"y" * 3000 + b"\r\n"

    ((_, lines),) = shown(before, before.replace(b"old", b"new"))

    assert [line[:3] for line in lines] == ["- …", "+ …"]
    assert "xold" in lines[0]
    assert "xnew" in lines[1]
    assert max(map(len, lines)) <= WIDE + 3


def test_long_markup_is_compared_tag_by_tag():
    page = b"<p>a</p>" * 400
    before = HEAD + b"Content-Type: text/html\r\n\r\n" + page + b"<a href=1>x</a>" + page + b"\r\n"

    ((_, lines),) = shown(before, before.replace(b"href=1", b"href=2"))

    assert [line for line in lines if line[0] != " "] == ["- <a href=1>x</a>", "+ <a href=2>x</a>"]


def test_a_part_that_was_moved_beside_another_is_compared_with_what_it_was():
    before = HEAD + b"Content-Type: text/plain\r\n\r\nHello\r\n"

    titles = [title for title, _ in shown(before, mime(PICTURE, TEXT.replace(b"Hello", b"Hello there")))]

    assert titles == ["header", "part 1 (image/png)", "part 2 (text/plain)"]
