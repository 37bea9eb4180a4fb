"""Pictures are drawn again: what is kept has our size, our format, and nothing else of the file that was sent.

A `portrait` is a square WebP cut from the middle. A `logo` is a PNG, as mail programs show it too; an `icon` is made of
one that is not much wider than high, for the tab of a browser. The `ground` of a logo is no picture, but what it
is seen on.

Runs in a child of `shared.sandbox`. It has no files any more when it works, so all of Pillow that it may need is loaded
with the module.
"""

from io import BytesIO

from PIL import (
    Image,
    ImageChops,
    ImageFilter,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from shared.confinement import Rejected

LOADED = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""Pillow imports a format when it first meets it; of TIFF it reads how a JPEG says which side is up (EXIF)."""
PIXELS, PIXELS_OF_JPEG = 12_000_000, 25_000_000
"""A JPEG is decoded at a fraction of its size; of others everything is in memory, several times."""
LONGEST = 20_000
SIDE = 256
LOGO, ICON = (480, 160), (64, 64)
"""The room a logo has, twice what pages and mails give it, and that of an icon."""
WIDEST_ICON = 1.6
QUALITY = 85
"""Noise, which compresses worst, then has 50 KB."""
MOST = {"portrait": 64 * 1024, "logo": 256 * 1024}
"""Bytes of a picture as it is kept."""
LEAST = 16
"""Pixels a logo has in each direction as it is kept, or nobody sees what it is."""
PLATE = "#171b21"
"""The ground of an icon that is hardly seen on a light one: of the tab it lies on nobody knows the colour."""
PALE, DEEP = 211, 57
"""Grays from and up to which nothing is seen on white and on `PLATE`: their contrast is below 1.5 to 1 (WCAG 2.2)."""
SEEN = 13
"""Alpha from which a pixel is seen: below it black on white has a contrast of less than 1.12 to 1."""
OPEN = 0.1
"""So much of a logo has to be see-through for it to lie on the ground, and not to have one of its own."""

Image.MAX_IMAGE_PIXELS = None  # asked below, before anything is decoded
Image.preinit()


def work(data: bytes, what: str) -> bytes:
    """The picture as it is kept. Raises `Rejected`: `format`, `dimensions` or `broken`; `unseen` of
    one of which nothing can be seen; `small` of a logo, and `wide` of an icon.
    """
    image = _open(data, ("PNG", "JPEG", "WEBP") if what == "portrait" else ("PNG", "WEBP"))
    try:
        if what == "ground":
            return _ground(image.convert("RGBA")).encode()
        return _portrait(image) if what == "portrait" else _sign(image, LOGO if what == "logo" else ICON)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:
        raise Rejected("broken") from error


def _open(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """The picture, not decoded yet."""
    try:
        image = Image.open(BytesIO(data), formats=formats)
    except (OSError, ValueError, SyntaxError, TypeError, KeyError) as error:
        raise Rejected("format") from error
    width, height = image.size
    most = PIXELS_OF_JPEG if image.format in ("JPEG", "MPO") else PIXELS
    if width * height > most or max(width, height) > LONGEST:
        raise Rejected("dimensions")
    return image


def _portrait(image: Image.Image) -> bytes:
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    upright = ImageOps.exif_transpose(image)
    shown = upright if upright.mode in ("L", "RGB") else upright.convert("RGBA")
    square = ImageOps.fit(shown, (SIDE, SIDE), Image.Resampling.LANCZOS).convert("RGBA")
    ground = Image.new("RGBA", square.size, "white")  # what is see-through would be another picture in the dark
    drawn = Image.alpha_composite(ground, square).convert("RGB")
    out = BytesIO()
    drawn.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()


def _sign(image: Image.Image, room: tuple[int, int]) -> bytes:
    drawn = image.convert("RGBA")
    box = drawn.getchannel("A").point([0] * SEEN + [255] * (256 - SEEN)).getbbox()
    if not box:
        raise Rejected("unseen")
    drawn = drawn.crop(box)  # what nobody sees around it takes no room
    if room == ICON:
        if drawn.width > WIDEST_ICON * drawn.height:
            raise Rejected("wide")
        if _ground(drawn) == "dark":
            drawn = _on_plate(drawn)
        drawn = ImageOps.pad(drawn, room, Image.Resampling.LANCZOS)
    else:
        drawn.thumbnail(room, Image.Resampling.LANCZOS)
        if min(drawn.size) < LEAST:
            raise Rejected("small")
    while True:
        out = BytesIO()
        drawn.save(out, "PNG", optimize=True)
        if out.tell() <= MOST["logo"]:
            return out.getvalue()
        drawn = drawn.resize((drawn.width * 3 // 4, drawn.height * 3 // 4), Image.Resampling.LANCZOS)


def _ground(logo: Image.Image) -> str:
    """On what it is seen: its "own" ground; a "dark" one, where more of it is lost on a light than on a dark one, and
    a third at least of what borders on the ground; else a "light" one, for which most are drawn.

    What is inside, as the letters of a sign, is seen wherever the sign is.
    """
    alpha, grays = logo.getchannel("A"), logo.convert("L")
    if _seen(ImageChops.invert(alpha)) < OPEN * logo.width * logo.height:
        return "own"
    edge = ImageChops.subtract(alpha, alpha.filter(ImageFilter.MinFilter(5)))
    if not edge.getbbox():  # one see-through sheet
        edge = alpha
    pale = _seen(edge, grays.point([0] * PALE + [255] * (256 - PALE)))
    deep = _seen(edge, grays.point([255] * DEEP + [0] * (256 - DEEP)))
    return "dark" if pale > deep and 3 * pale >= _seen(edge) else "light"


def _seen(alpha: Image.Image, where: Image.Image | None = None) -> float:
    """Pixels, each counted for as much of it as is seen."""
    return sum(each * pixels for each, pixels in enumerate(alpha.histogram(where))) / 255


def _on_plate(logo: Image.Image) -> Image.Image:
    around = max(8, logo.height // 6)
    plate = Image.new("RGBA", (logo.width + 2 * around, logo.height + 2 * around), PLATE)
    plate.alpha_composite(logo, (around, around))
    return plate
