"""What projects are called: a mail says it, unless a mail program could make a link of any part."""

import pytest

from services.identity.mails.wording import title

PROJECTS = """
CRM 2.0 – Einführung (Phase 1)
Website 2027
Website 2027/28
Relaunch: Shop & Blog
B2B-Portal
Q3 Review
ISO 27001 Zertifizierung
SAP S/4HANA
IT/OT Security
Microsoft 365 Migration
Release v2.4.1
Phase 2: Rollout
Erweiterungsbau [Halle 3]
3D-Druck
Umzug (Berlin – Köln)
R&D
Data Lake #2
100% Digital
Jahresabschluss 2026
Jahresabschluss 2026/2027
Vertrag 3/27
Verein e.V.
A.B. Müller GmbH & Co. KG
C++ Toolkit
„Zukunft“ 2030
«Avenir»
What’s next?
Los geht’s!
KI / ML Pilot
Web + App
Go-live, Teil 2
Design System 1.0
Café Étoile
München – Zürich
Sprint 12.5
Intranet (neu)
E-Mail-Archiv
Onboarding
Wartung 24/7
Server-Umzug 12.05.2027
Relaunch (v2)
§ 14 Audit
5° Kampagne
API v1 | v2
Migration: 10:30 Uhr
No. 7
Messe 2027 — Stand 4
Kick-off; Workshop
Projekt X
Phase 1 …
Budget 2027 (€)
\u05d0\u05e0\u05d4 2
""".strip().split("\n")
NO_TITLES = (
    "evil.com",
    "Shop (evil.com)",
    "evil.\u092d\u093e\u0930\u0924",
    "a.b.com",
    "v2.0.com",
    "http://x",
    "x:80",
    "mailto:a",
    "//x",
    "\\\\x",
    "1.2.3.4",
    "123456",
    "+49 (170) 123-4567",
    "0900 12 34 56 78",
    "a@b",
    "a_b",
    "<b>",
    "evil\u3002com",
    "x..com",
    "{x}",
)


@pytest.mark.parametrize("called", PROJECTS)
def test_a_project_is_called_by_its_name(called: str) -> None:
    assert title(called).strip("\u2068\u2069") == called


@pytest.mark.parametrize("called", NO_TITLES)
def test_no_part_of_a_title_becomes_a_link(called: str) -> None:
    assert title(called) == title(f"Shop {called} now") == title(f"({called})") == ""
