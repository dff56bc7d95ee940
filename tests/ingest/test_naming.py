from __future__ import annotations

from pathlib import Path

import pytest

from ingest.naming import derive_names
from ingest.parsing import parse
from ingest.sources import find_sources


def test_the_samples_are_called_what_people_call_them(samples: Path) -> None:
    parsed = [parse(source) for source in find_sources([samples])]  # type: ignore[arg-type]
    assert [policy.company for policy in parsed] == ["ExOfficio", "Free People", "Malleries", "Perricone MD"]
    free, perricone = parsed[1], parsed[3]
    assert {"freepeople.com", "freepeople", "free people"} <= set(free.aliases)
    assert {"perriconemd.com", "perriconemd", "perricone md", "perricone"} <= set(perricone.aliases)
    assert free.provenance["company"] == "text"


@pytest.mark.parametrize(
    ("domain", "text", "company"),
    [
        ("acmetools.example", "We at Acme Tools care. ACME TOOLS\nAcme Tools sells tools.", "Acme Tools"),
        ("acmetools.example", "AcmeTools.example is a site. acmetools.example too.", "AcmeTools"),
        ("greyherald.example", "You trust The Grey Herald. So The Grey Herald cares. Ask The Grey Herald.",
         "The Grey Herald"),
        ("acme.example", "Acme Research Institute is here. Ask Acme Research Institute. Acme Research Institute.",
         "Acme Research Institute"),
        ("nrs.example", "Northern Rail Society (\"we\") runs trains. The Northern Rail Society cares.",
         "Northern Rail Society"),
        ("zyxograph.example", "We keep your data.", "Zyxograph"),
        ("bluemovies.example", "We keep your data.", "Blue Movies"),
        ("old-movies.example", "We keep your data.", "Old Movies"),
        ("abc.example", "We keep your data.", "ABC"),
        ("french.zyxo.co.uk", "Zyxo keeps data.", "Zyxo"),
    ],
)  # fmt: skip
def test_companies_are_named_by_the_text_and_else_by_the_domain(domain: str, text: str, company: str) -> None:
    assert derive_names(text, domain).company == company


def test_the_legal_owner_and_its_short_forms_are_aliases() -> None:
    text = (
        'Zyxo is ours. Quill Bread Works, Inc. ("Quill Bread" or "we") keeps data. Quill Bread Works, Inc. may share.'
    )
    names = derive_names(text, "zyxo.example")
    assert {"quill bread works", "quill bread"} <= set(names.aliases)
    assert not names.foreign


def test_somebody_elses_policy_is_told() -> None:
    text = 'Privacy Policy | Harbour Commission\n\nThe Harbour Commission ("we") cares. © 2020 Harbour Commission'
    names = derive_names(text, "fastcash.example")
    assert (names.owner, names.foreign) == ("Harbour Commission", True)
    assert "harbour commission" in names.aliases


def test_a_partner_that_the_text_speaks_of_is_no_alias() -> None:
    text = (
        "Zyxo keeps data. Zyxo may share it. "
        + "Beagle Analytics may set cookies. Beagle Analytics collects data. " * 3
    )
    text += (
        "See the privacy policy of Beagle Analytics (www.beagle.example). Zyxo uses it. Zyxo may stop. Ask Zyxo. " * 9
    )
    assert not any("beagle" in alias for alias in derive_names(text, "zyxo.example").aliases)


def test_ordinary_words_never_become_aliases() -> None:
    text = (
        "Home | News | Privacy Policy\n\nThe Site (\"we\", \"us\") cares. "
        "Our Company, Inc. (the \"Company\" or \"we\") may share. "
        "Users may ask. Cookies may be set. © 2020 All Rights Reserved. At Home, we care."
    )  # fmt: skip
    aliases = set(derive_names(text, "zyxo.example").aliases)
    assert aliases == {"zyxo.example", "zyxo"}


def test_the_users_name_is_kept_and_the_text_still_gives_aliases() -> None:
    names = derive_names("Acme Tools keeps data. Acme Tools cares.", "acmetools.example", "ACME!")
    assert (names.company, names.origin) == ("ACME!", "option")
    assert {"acme!", "acmetools"} <= set(names.aliases)


def test_aliases_are_lower_case_each_once_and_the_domain_first() -> None:
    names = derive_names('Acme Tools, Inc. ("we") cares. Acme Tools, Inc. may share.', "acmetools.example")
    assert names.aliases[0] == "acmetools.example"
    assert len(set(names.aliases)) == len(names.aliases)
    assert all(alias == alias.lower() for alias in names.aliases)
