"""The widget's own words in the interface's languages, and those that it shares with the chat."""

# A long text in a row of four is easiest to read as lines that follow each other.
# ruff: noqa: ISC004
from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ui.words import LANGUAGES, WORDS

__all__ = ["widget_words"]

# What the chat says already is said in the same words here.
_SHARED: Final[Mapping[str, str]] = {
    **{
        f"{prefix}{what}": f"chat.{prefix}{what}"
        for prefix in ("is_", "perhaps_")
        for what in ("yes", "no", "conditional", "answered", "not_stated")
    },
    "is_unknown_company": "chat.is_unknown_company",
    "is_needs_company": "chat.is_needs_company",
    "is_out_of_scope": "chat.is_out_of_scope",
    "guess": "chat.guess",
    "as_of": "chat.as_of",
    "nearest": "chat.nearest",
    "note": "chat.note",
    "finding": "chat.finding",
    "reading": "chat.reading",
    "reading_sentences": "chat.reading_sentences",
    "reading_policies": "chat.reading_policies",
    "writing": "chat.writing",
    "worded": "chat.worded",
    "next": "chat.next",
    "sure": "chat.certainty_sure",
    "fairly": "chat.certainty_fairly",
    "doubt_title": "chat.doubt_title",
    "doubt_silent_title": "chat.doubt_silent_title",
    "doubt_part": "chat.doubt_part",
    "ask_alone": "chat.ask_alone",
    **{
        f"means_{what}": f"chat.means_{what}"
        for what in ("sure", "fairly", "unsure", "silent_sure", "silent_fairly", "silent_unsure")
    },
    "not_english": "chat.not_english",
    "too_many": "chat.too_many",
    "busy": "chat.busy",
    "conversation": "chat.conversation",
    "new": "chat.new",
    "placeholder_more": "chat.placeholder_more",
    "question": "chat.question",
    "ask": "chat.ask",
    "stop": "chat.stop",
    "proof": "proof.proof",
    "archived": "proof.archived",
    "close": "feedback.close",
}

_OWN: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "title": (
        "Privacy questions",
        "Fragen zum Datenschutz",
        "Questions de confidentialité",
        "Preguntas de privacidad",
    ),
    "greeting": (
        "Ask what the privacy policy says. Every answer quotes it word for word, or says that it does not say.",
        "Fragen Sie, was in der Datenschutzerklärung steht. Jede Antwort zitiert sie wörtlich oder sagt, dass sie dazu "
        "schweigt.",
        "Demandez ce que dit la politique de confidentialité. Chaque réponse la cite mot pour mot, ou dit qu’elle n’en "
        "parle pas.",
        "Pregunte qué dice la política de privacidad. Cada respuesta la cita palabra por palabra o dice que no lo "
        "indica.",
    ),
    "placeholder": (
        "Your question",
        "Ihre Frage, auf Englisch",
        "Question en anglais",
        "Pregunta en inglés",
    ),
    "try": ("For example", "Zum Beispiel", "Par exemple", "Por ejemplo"),
    "waiting": (
        "Waiting for a free place",
        "Warten auf einen freien Platz",
        "En attente d’une place libre",
        "En espera de un lugar libre",
    ),
    "show_proof": ("Show proof {n}", "Beleg {n} zeigen", "Voir la preuve {n}", "Ver la prueba {n}"),
    "new_tab": (
        "opens in a new tab",
        "öffnet in neuem Tab",
        "ouvre un nouvel onglet",
        "se abre en otra pestaña",
    ),
    "stopped": ("Stopped.", "Angehalten.", "Arrêté.", "Detenido."),
    "retry": ("Ask again", "Noch einmal fragen", "Redemander", "Preguntar de nuevo"),
    "forbidden": (
        "Questions cannot be asked from this site yet.",
        "Von dieser Website aus kann noch nicht gefragt werden.",
        "On ne peut pas encore poser de questions depuis ce site.",
        "Desde este sitio aún no se puede preguntar.",
    ),
    "forbidden_scope": (
        "This site may not ask about this policy.",
        "Diese Website darf nach dieser Erklärung nicht fragen.",
        "Ce site n’est pas autorisé à interroger cette politique.",
        "Este sitio no puede preguntar por esta política.",
    ),
    "missing": (
        "The policy of this site has not been added yet.",
        "Die Erklärung dieser Website ist noch nicht aufgenommen.",
        "La politique de ce site n’a pas encore été ajoutée.",
        "La política de este sitio aún no se ha añadido.",
    ),
    "unreachable": (
        "The answers cannot be reached. Check your connection, then ask again.",
        "Die Antworten sind nicht erreichbar. Prüfen Sie Ihre Verbindung und fragen Sie noch einmal.",
        "Les réponses sont injoignables. Vérifiez votre connexion, puis redemandez.",
        "No se puede acceder a las respuestas. Compruebe su conexión y pregunte de nuevo.",
    ),
    "broken": (
        "Something went wrong. Ask again, or ask something else.",
        "Etwas ist schiefgegangen. Fragen Sie noch einmal oder etwas anderes.",
        "Une erreur s’est produite. Redemandez, ou posez une autre question.",
        "Algo ha fallado. Pregunte de nuevo o pregunte otra cosa.",
    ),
    "unstored": (
        "Not legal advice. Your questions are not stored.",
        "Keine Rechtsberatung. Ihre Fragen werden nicht gespeichert.",
        "Pas un conseil juridique. Vos questions ne sont pas conservées.",
        "No es asesoramiento jurídico. Sus preguntas no se guardan.",
    ),
    "in_tab": (
        "Not legal advice. Your questions are kept in this tab only.",
        "Keine Rechtsberatung. Ihre Fragen bleiben nur in diesem Tab.",
        "Pas un conseil juridique. Vos questions restent dans cet onglet.",
        "No es asesoramiento jurídico. Sus preguntas quedan solo en esta pestaña.",
    ),
}


def widget_words() -> dict[str, dict[str, str]]:
    """All words of the widget by language, then by key."""
    return {
        language: {
            **{key: WORDS[shared][language] for key, shared in _SHARED.items()},
            **{key: words[at] for key, words in _OWN.items()},
        }
        for at, language in enumerate(LANGUAGES)
    }
