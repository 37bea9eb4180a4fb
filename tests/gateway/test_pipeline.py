"""What a request meets on its way: who is let in, as whom, and what the service sees."""

import httpx2

from tests.gateway.rig import Rig

PROJECTS = "/api/client-portal/projects"


async def test_service_sees_the_claims_of_the_session(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, _, session = rig.identity.sign_in()
    answer = await http.get(PROJECTS, headers={"Cookie": f"portal_session={cookie}; portal_theme=dark"})
    assert answer.status_code == 200
    seen = rig.service.seen[-1]
    assert seen.all("cookie") == ["portal_theme=dark"]
    claims = seen.claims()
    assert claims["sub"] == str(session.person_id)
    assert claims["aud"] == ["projects"]
