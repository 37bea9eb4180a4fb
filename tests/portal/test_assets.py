"""Static files: hashed, compressed, kept for ever, and small enough."""

import gzip
import re
from pathlib import Path

import brotli
import pytest

from services.portal.assets import Assets
from services.portal.templating import ICONS
from tests.portal.people import ANNA

FIRST_VISIT = 250_000


async def test_files_are_cached_for_ever_under_their_version(browse, web):
    assets: Assets = web.state.assets
    answer = await browse().get(assets.url("portal.css"))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"].startswith("text/css")
    old = await browse().get("/static/0123456789ab/portal.css")
    assert old.headers["Cache-Control"] == "no-cache"
    assert old.content == answer.content


async def test_each_encoding_holds_the_same_file(web):
    for asset in web.state.assets.files.values():
        if asset.encoded:
            assert brotli.decompress(asset.encoded["br"]) == asset.plain
            assert gzip.decompress(asset.encoded["gzip"]) == asset.plain


@pytest.mark.parametrize(
    ("accepted", "used"), [("gzip, deflate, br, zstd", "br"), ("gzip;q=0.9", "gzip"), ("zstd", None)]
)
async def test_the_best_encoding_the_browser_knows_is_sent(browse, web, accepted, used):
    asset = web.state.assets.files["portal.css"]
    answer = await browse().get(web.state.assets.url("portal.css"), headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == used
    assert int(answer.headers["Content-Length"]) == len(asset.encoded.get(used, asset.plain))


async def test_a_browser_without_compression_gets_the_plain_file(browse, web):
    answer = await browse().get(web.state.assets.url("js/shell.js"), headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"


async def test_nothing_outside_the_folder_is_served(browse):
    for name in ("../app.py", "..%2fapp.py", "css/../../app.py", "vendor/htmx.LICENSE.txt", "nope.css"):
        assert (await browse().get(f"/static/x/{name}")).status_code == 404


async def test_everything_a_page_and_its_styles_name_exists(browse, web):
    files = web.state.assets.files
    page = await browse(ANNA).get("/")
    named = set(re.findall(r'"/static/[0-9a-f]+/([^"]+)"', page.text))
    styles = files["portal.css"].plain.decode()
    named |= set(re.findall(r'url\("?((?!data:)[^")]+)"?\)', styles))
    named |= {f"js/{name}" for name in re.findall(r"from '\./([^']+)'", files["js/live.js"].plain.decode())}
    assert named
    assert named <= set(files)


async def test_the_first_visit_stays_under_its_budget_even_with_every_font(browse, web):
    page = await browse(ANNA).get("/", headers={"Accept-Encoding": "br"})
    size = int(page.headers["Content-Length"])
    size += sum(len(asset.plain) for name, asset in web.state.assets.files.items() if name.endswith(".woff2"))
    for name in set(re.findall(r'"/static/[0-9a-f]+/([^"]+)"', page.text)):
        asset = web.state.assets.files[name]
        size += len(asset.encoded.get("br", asset.plain))
    assert size < FIRST_VISIT


def test_every_vendored_icon_is_used_somewhere():
    folder = Path(__file__).parents[2] / "services/portal"
    source = "".join(path.read_text() for path in [*folder.rglob("*.html"), *folder.rglob("*.py")])
    assert [name for name in ICONS if f'"{name}"' not in source] == []
