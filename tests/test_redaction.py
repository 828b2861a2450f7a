"""Personal data is found by its form and its check digits, and nothing else is touched."""

import pytest

from agentkit.redaction import Redactor


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Write to ada.lovelace+x@mail.example.co.uk, please.", "Write to [EMAIL_1], please."),
        ("a@b.io and A@B.io and c@d.io", "[EMAIL_1] and [EMAIL_1] and [EMAIL_2]"),
        ("Card 4111 1111 1111 1111.", "Card [CARD_1]."),
        ("Card 5500-0000-0000-0004", "Card [CARD_1]"),
        ("IBAN GB29 NWBK 6016 1331 9268 19 it is", "IBAN [IBAN_1] it is"),
        ("DE89370400440532013000", "[IBAN_1]"),
        ("Call +44 20 7946 0958 or (020) 7946 0958", "Call [PHONE_1] or [PHONE_2]"),
        ("555-867-5309, 020 7946 0958, +1 (555) 867-5309", "[PHONE_1], [PHONE_2], [PHONE_3]"),
        ('{"mail": "x@y.org", "tel": "+49 30 901820"}', '{"mail": "[EMAIL_1]", "tel": "[PHONE_1]"}'),
    ],
)
def test_what_has_a_form_is_replaced(text: str, told: str) -> None:
    assert Redactor()(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # no Luhn digit
        "GB29 NWBK 6016 1331 9268 18",  # wrong check digits
        "2026-11-25 10:45-13:50",
        "F643 OSL→FCO 2026-11-24 21:25-00:30+1 ITA Airways $216 7 seats",
        "Booked B991, 3,480 and 717,710 people, 3.14159265358979",
        "user@localhost",
        "0000 0000 0000 0000",
        "run 5f1c9a3012345678 took 12.5 s",
        "192.168.100.200",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_named_values_go_wherever_they_stand_longest_first_and_alike() -> None:
    redactor = Redactor([("passengers", "Ada Lovelace"), ("passengers", "Ada"), ("passengers", "B")])
    assert redactor("Ada Lovelace (ADA LOVELACE), Ada, Adam, B") == (
        "[PASSENGERS_1] ([PASSENGERS_1]), [PASSENGERS_2], Adam, B"
    )
    assert redactor("Ada") == "[PASSENGERS_2]"
