"""What is kept of a picture that somebody sends: a square of ours, or nothing."""

from io import BytesIO

import pytest
from PIL import Image, ImageColor

from services.identity.pictures.drawing import LOGO, MOST, PLATE, SIDE
from shared.sandbox import Rejected, Sandbox
from tests.identity.pictures import files


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox("services.identity.pictures.drawing")


async def drawn(sandbox: Sandbox, file: bytes) -> Image.Image:
    made = await sandbox.run(file, "portrait", caller="anna", most=MOST["portrait"])
    assert not any(each in made for each in (files.SECRET, files.SCRIPT, b"EXIF", b"ICCP"))
    return Image.open(BytesIO(made))


async def test_every_good_file_becomes_the_same_small_square(sandbox: Sandbox) -> None:
    shown = {name: await drawn(sandbox, file) for name, file in files.GOOD.items()}
    assert {(each.format, each.size, each.mode) for each in shown.values()} == {("WEBP", (SIDE, SIDE), "RGB")}
    red, _, _ = shown["png"].getpixel((20, 128))
    _, green, _ = shown["png"].getpixel((SIDE - 20, 128))
    assert red > 150
    assert green > 120


async def test_a_photograph_stands_as_it_was_taken_and_says_nothing_of_where(sandbox: Sandbox) -> None:
    """Turned round by its camera (3): what the file has on the left is on the right."""
    shown = await drawn(sandbox, files.photograph(side_up=3))
    red, green, _ = shown.getpixel((SIDE - 20, 128))
    assert red > green


@pytest.mark.parametrize(
    ("file", "ground"),
    [
        (files.see_through("white", "white"), "dark"),
        (files.see_through("#ffee00", "white", "#ff9900"), "dark"),
        (files.see_through("#ffffff64", "#ffffff7f"), "dark"),
        (files.see_through("#ffffff80", "#ffffff80"), "dark"),
        (files.see_through("#00000064", "#00000064"), "light"),
        (files.see_through("#ffffff78", "#ffffff78", "#ffffff78", "black"), "dark"),
        (files.see_through("black", "#ff9900"), "light"),
        (files.see_through("#ff9900", "#888888"), "light"),
        (files.file_of("PNG"), "own"),
    ],
)
async def test_a_logo_says_on_what_it_is_seen_and_stays_see_through(sandbox: Sandbox, file: bytes, ground: str) -> None:
    made = await sandbox.run(file, "logo", caller="anna", most=MOST["logo"])
    shown = Image.open(BytesIO(made))
    assert (await sandbox.run(made, "ground", caller="anna", most=MOST["logo"])).decode() == ground
    assert (shown.getchannel("A").getextrema()[0] == 0) == (ground != "own")
    assert (shown.width <= LOGO[0], shown.height <= LOGO[1]) == (True, True)


@pytest.mark.parametrize(("colour", "ground"), [("#ffffff64", "dark"), ("#00000064", "light"), ("#fffffff8", "own")])
async def test_a_sheet_that_is_see_through_is_seen_on_what_shows_through(
    sandbox: Sandbox, colour: str, ground: str
) -> None:
    assert (await sandbox.run(files.sheet(colour), "ground", caller="anna", most=MOST["logo"])).decode() == ground


@pytest.mark.parametrize("what", ["logo", "icon"])
@pytest.mark.parametrize("sign", ["#00000000", "#ffffff01", "#00000001"])
async def test_a_logo_that_nobody_can_see_is_refused(sandbox: Sandbox, what: str, sign: str) -> None:
    with pytest.raises(Rejected) as refused:
        await sandbox.run(files.see_through(sign), what, caller="anna", most=MOST["logo"])
    assert refused.value.reason == "unseen"


async def test_the_icon_of_a_pale_logo_is_seen_on_every_tab(sandbox: Sandbox) -> None:
    for colour, plate in (("white", True), ("#ffffff64", True), ("black", False)):
        made = await sandbox.run(files.see_through(colour, colour, width=40), "icon", caller="anna", most=MOST["logo"])
        colours = {each for _, each in Image.open(BytesIO(made)).convert("RGBA").getcolors(64 * 64)}
        assert ((*ImageColor.getrgb(PLATE), 255) in colours) == plate


async def test_what_is_no_picture_is_refused_for_what_it_is(sandbox: Sandbox) -> None:
    said = dict[str, str]()
    for name, (file, _) in files.BAD.items():
        try:
            await sandbox.run(file, "portrait", caller="anna", most=MOST["portrait"])
            said[name] = "drawn"
        except Rejected as refused:
            said[name] = refused.reason
    assert said == {name: reason for name, (_, reason) in files.BAD.items()}
