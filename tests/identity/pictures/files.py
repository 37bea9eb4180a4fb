"""Files that people send as pictures: good ones, and those of somebody who means harm."""

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageDraw

SECRET = b"48.137154, 11.576124"
SCRIPT = b"<script>alert(1)</script>"


def file_of(kind: str, size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: object) -> bytes:
    """A file of one format; its left half is red, the rest green."""
    image = Image.new("RGB", size, (0, 160, 0))
    image.paste((200, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


def see_through(*signs: str, width: int = 300) -> bytes:
    """A PNG of thin lines, one in each of these colours, on nothing."""
    image = Image.new("RGBA", (width, 100), (0, 0, 0, 0))
    for at, colour in enumerate(signs):
        ImageDraw.Draw(image).rectangle((0, 30 * at, width - 1, 30 * at + 9), outline=colour, width=4)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def sheet(colour: str) -> bytes:
    """A PNG that is one colour all over."""
    out = BytesIO()
    Image.new("RGBA", (300, 100), colour).save(out, "PNG")
    return out.getvalue()


def photograph(side_up: int) -> bytes:
    """A JPEG as a camera makes it: which side is up (EXIF 0x0112), and where somebody lives."""
    exif = Image.Exif()
    exif[0x0112] = side_up
    exif[0x010E] = SECRET.decode()
    return file_of("JPEG", exif=exif, comment=SECRET)


def png(width: int, height: int, body: bytes, *chunks: bytes) -> bytes:
    """A PNG whose header says what it likes: 8 bits of RGBA."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ZEROS = zlib.compress(bytes(40_000_000), 9)
TEXT = b"Comment\0\0" + ZEROS
GOOD = {
    "png": file_of("PNG"),
    "jpeg": file_of("JPEG"),
    "webp": file_of("WEBP"),
    "a palette": file_of("PNG", mode="P"),
    "gray": file_of("JPEG", mode="L"),
    "for print": file_of("JPEG", mode="CMYK"),
    "sixteen bits": file_of("PNG", mode="I;16"),
    "see-through": file_of("PNG", mode="RGBA"),
    "very wide": file_of("PNG", (4_000, 10)),
    "twelve megapixels": file_of("JPEG", (4_000, 3_000)),
    "progressive": file_of("JPEG", progressive=True),
    "a page behind it": file_of("PNG") + SCRIPT,
    "a page inside it": file_of("JPEG", comment=SCRIPT),
}
BAD = {
    "no file": (b"x", "format"),
    "a drawing": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "format"),
    "another format": (file_of("GIF", mode="P"), "format"),
    "a page": (b"<!doctype html>" + SCRIPT, "format"),
    "a page before it": (SCRIPT + file_of("PNG"), "format"),
    "a header that is cut off": (file_of("PNG")[:20], "format"),
    "half a png": (file_of("PNG", (2_000, 1_500))[:2_000], "broken"),
    "half a jpeg": (file_of("JPEG")[:2_000], "broken"),
    "half a webp": (file_of("WEBP")[:300], "format"),
    "a bomb": (png(50_000, 50_000, ZEROS), "dimensions"),
    "a line a mile long": (png(2_000_000, 1, ZEROS), "dimensions"),
    "more lines than it says": (png(60_000, 400, ZEROS), "dimensions"),
    "a bomb in its comment": (png(10, 10, zlib.compress(bytes(410)), _chunk(b"zTXt", TEXT)), "format"),
    "no pixels": (png(0, 0, b""), "format"),
    "nonsense inside": (png(100, 100, b"nonsense"), "broken"),
}
"""With the word that each is refused with."""
