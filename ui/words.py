"""The interface's words in English, German, French and Spanish; answers and policies stay in their own language.

Gradio's own labels go through ``gr.I18n`` (``label``). HTML made on the server says the English words and carries the
key in ``data-t`` (text) or ``data-t-aria-label``, ``data-t-title``, ``data-t-placeholder`` (attributes), and what fills
their ``{name}`` as JSON in ``data-t-values``; the page's script (static/core.js) puts the words of the reader's
language in their place, and writes the dates of ``<time data-t-date>`` as that language does.
"""

# A long text in a row of four is easiest to read as lines that follow each other.
# ruff: noqa: ISC004
from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ui.render import escape

if TYPE_CHECKING:
    from gradio.i18n import I18n, I18nData

__all__ = ["LANGUAGES", "WORDS", "label", "page_words", "said", "said_as"]

LANGUAGES: Final = ("en", "de", "fr", "es")

# Each key has its words in the order of LANGUAGES. Keys are "<view>.<what>"; each view keeps its own block.
_SHELL: Final = {
    "shell.ask": ("Ask", "Fragen", "Demander", "Preguntar"),
    "shell.compare": ("Compare", "Vergleichen", "Comparer", "Comparar"),
    "shell.lookback": ("Look back", "Rückblick", "Historique", "Historial"),
    "shell.about": ("About", "Über", "À propos", "Acerca de"),
}
_ABOUT: Final = {
    "about.what": ("What this is", "Was das ist", "Ce que c’est", "Qué es esto"),
    "about.what_text": (
        "fineprint answers questions about the privacy policies of websites. An answer says what one policy says and "
        "shows the very sentences that say so; or it says that the policy does not answer the question.",
        "fineprint beantwortet Fragen zu Datenschutzerklärungen von Websites. Eine Antwort gibt wieder, was eine "
        "Erklärung sagt, und zeigt genau die Sätze, in denen es steht; oder sie sagt, dass die Erklärung "
        "dazu schweigt.",
        "fineprint répond à des questions sur les politiques de confidentialité de sites web. Une réponse "
        "dit ce que dit "
        "une politique et montre les phrases mêmes qui le disent ; ou elle dit que la politique n’y répond pas.",
        "fineprint responde a preguntas sobre las políticas de privacidad de sitios web. Una respuesta dice "
        "lo que dice "
        "una política y muestra las frases exactas que lo dicen; o dice que la política no lo responde.",
    ),
    "about.is_not": ("What it is not", "Was es nicht ist", "Ce que ce n’est pas", "Qué no es"),
    "about.not_advice": (
        "It is not legal advice.",
        "Es ist keine Rechtsberatung.",
        "Ce n’est pas un conseil juridique.",
        "No es asesoramiento jurídico.",
    ),
    "about.not_deeds": (
        "It shows what a policy says, not what a company does.",
        "Es zeigt, was eine Erklärung sagt, nicht, was eine Firma tut.",
        "Cela montre ce que dit une politique, pas ce que fait une entreprise.",
        "Muestra lo que dice una política, no lo que hace una empresa.",
    ),
    "about.not_now": (
        "It knows a policy as it was archived on the date that is shown. The company may have changed it since.",
        "Es kennt eine Erklärung so, wie sie am angezeigten Tag archiviert wurde. Seither kann sie geändert "
        "worden sein.",
        "La politique est celle archivée à la date indiquée. L’entreprise a pu la modifier depuis.",
        "Conoce la política tal como se archivó en la fecha indicada. La empresa puede haberla cambiado "
        "desde entonces.",
    ),
    "about.not_other": (
        "“The policy does not say” means just that. It does not mean “no”.",
        "„Die Erklärung sagt es nicht“ heißt genau das. Es heißt nicht „nein“.",
        "« La politique ne le dit pas » signifie seulement cela. Cela ne signifie pas « non ».",
        "«La política no lo dice» significa solo eso. No significa «no».",
    ),
    "about.how": (
        "How an answer comes about",
        "Wie eine Antwort entsteht",
        "Comment naît une réponse",
        "Cómo nace una respuesta",
    ),
    "about.how_text": (
        "First the company and the version are settled; another company’s policy never answers. Then every sentence of "
        "that policy is compared with the question, small models choose those that prove an answer and judge "
        "yes, no or "
        "“it depends”, and the answer is written around their words.",
        "Zuerst werden Firma und Fassung bestimmt; die Erklärung einer anderen Firma antwortet nie. Dann "
        "wird jeder Satz "
        "dieser Erklärung mit der Frage verglichen, kleine Modelle wählen die Sätze, die eine Antwort belegen, und "
        "urteilen ja, nein oder „kommt darauf an“; die Antwort entsteht um deren Wortlaut.",
        "D’abord, l’entreprise et la version sont déterminées ; la politique d’une autre entreprise ne répond jamais. "
        "Puis chaque phrase est comparée à la question, de petits modèles choisissent celles qui prouvent "
        "une réponse et "
        "jugent oui, non ou « cela dépend » ; la réponse est écrite autour de leurs mots.",
        "Primero se fijan la empresa y la versión; nunca responde la política de otra empresa. Después se compara cada "
        "frase con la pregunta, pequeños modelos eligen las que prueban una respuesta y juzgan sí, no o «depende»; la "
        "respuesta se escribe en torno a sus palabras.",
    ),
    "about.no_model": (
        "No model makes up text.",
        "Kein Modell erfindet Text.",
        "Aucun modèle n’invente de texte.",
        "Ningún modelo inventa texto.",
    ),
    "about.checked": (
        "Before a quote is shown, it is compared with the stored policy character by character. A quote that does not "
        "stand there is never shown.",
        "Bevor ein Zitat gezeigt wird, wird es Zeichen für Zeichen mit der gespeicherten Erklärung "
        "verglichen. Ein Zitat, "
        "das dort nicht steht, wird nie gezeigt.",
        "Avant d’être montrée, une citation est comparée caractère par caractère à la politique conservée. "
        "Une citation "
        "qui n’y figure pas n’est jamais montrée.",
        "Antes de mostrar una cita, se compara carácter por carácter con la política guardada. Una cita que "
        "no está allí "
        "no se muestra nunca.",
    ),
    "about.model": (
        "Here a chat model ({name}) puts answers into words. It writes; it does not judge: what the answer is and "
        "which sentences prove it is decided without it. Each sentence that it writes is checked against the policy, "
        "and what the policy does not prove is not shown. Where the policy is silent, it is not asked.",
        "Hier formuliert ein Chatmodell ({name}) die Antworten. Es schreibt, es urteilt nicht: Wie die Antwort lautet "
        "und welche Sätze sie belegen, wird ohne das Modell entschieden. Jeder Satz, den es schreibt, wird an der "
        "Erklärung geprüft; was sie nicht belegt, wird nicht gezeigt. Wo die Erklärung schweigt, wird es nicht "
        "gefragt.",
        "Ici, un modèle de langage ({name}) formule les réponses. Il rédige, il ne juge pas : la réponse et les "
        "phrases qui la prouvent sont déterminées sans lui. Chaque phrase qu’il écrit est vérifiée dans la politique ; "
        "ce qu’elle ne prouve pas n’est pas montré. Là où la politique se tait, il n’est pas consulté.",
        "Aquí un modelo de chat ({name}) redacta las respuestas. Escribe, no juzga: cuál es la respuesta y qué frases "
        "la prueban se decide sin él. Cada frase que escribe se comprueba en la política; lo que esta no prueba no se "
        "muestra. Donde la política calla, no se le pregunta.",
    ),
    "about.often": (
        "How often it is right",
        "Wie oft es stimmt",
        "À quelle fréquence c’est juste",
        "Con qué frecuencia acierta",
    ),
    "about.often_text": (
        "Measured with 1,800 questions about 100 policies that the models had not seen:",
        "Gemessen an 1.800 Fragen zu 100 Erklärungen, die die Modelle nicht kannten:",
        "Mesuré avec 1 800 questions sur 100 politiques que les modèles ne connaissaient pas :",
        "Medido con 1800 preguntas sobre 100 políticas que los modelos no conocían:",
    ),
    "about.right": (
        "of the answers are right as a whole: the verdict, and proven by the first quote",
        "der Antworten stimmen als Ganzes: das Urteil, und belegt durch das erste Zitat",
        "des réponses sont justes en entier : le verdict, et prouvé par la première citation",
        "de las respuestas son correctas del todo: el veredicto, y probado por la primera cita",
    ),
    "about.proof": (
        "of the first quotes do prove an answer to the question",
        "der ersten Zitate belegen wirklich eine Antwort auf die Frage",
        "des premières citations prouvent bien une réponse à la question",
        "de las primeras citas prueban de verdad una respuesta a la pregunta",
    ),
    "about.silent": (
        "of the time it rightly says whether the policy answers the question at all",
        "der Male sagt es richtig, ob die Erklärung die Frage überhaupt beantwortet",
        "du temps, il est dit avec raison si la politique répond ou non à la question",
        "de las veces dice con acierto si la política responde o no a la pregunta",
    ),
    "about.often_advice": (
        "So one answer in three has a fault, mostly in the verdict. That is why the proof is always beside "
        "it: where it "
        "matters, read the quote and what stands around it.",
        "Etwa jede dritte Antwort hat also einen Fehler, meist im Urteil. Deshalb steht der Beleg immer daneben: Wo es "
        "darauf ankommt, lesen Sie das Zitat und was darum steht.",
        "Une réponse sur trois a donc un défaut, le plus souvent dans le verdict. C’est pourquoi la preuve "
        "est toujours à "
        "côté : quand cela compte, lisez la citation et ce qui l’entoure.",
        "Así, una de cada tres respuestas tiene un fallo, casi siempre en el veredicto. Por eso la prueba "
        "está siempre al "
        "lado: cuando importe, lea la cita y lo que la rodea.",
    ),
    "about.stored": ("What is stored", "Was gespeichert wird", "Ce qui est conservé", "Qué se guarda"),
    "about.stored_questions": (
        "Questions and conversations are not kept or logged on the server, and nothing is sent to anybody else. A "
        "conversation is in this page only, and gone when you close it.",
        "Fragen und Gespräche werden auf dem Server weder aufbewahrt noch protokolliert, und nichts geht an "
        "Dritte. Ein "
        "Gespräch ist nur in dieser Seite und verschwindet, wenn Sie sie schließen.",
        "Ni les questions ni les conversations ne sont conservées ou journalisées sur le serveur, et rien "
        "n’est envoyé à "
        "des tiers. Une conversation n’existe que dans cette page et disparaît à sa fermeture.",
        "Ni las preguntas ni las conversaciones se guardan o registran en el servidor, y nada se envía a terceros. Una "
        "conversación está solo en esta página y desaparece al cerrarla.",
    ),
    "about.stored_model": (
        "Your question and sentences of the policy that it is about go to the chat model that the operator of this "
        "service has chosen ({name}). Questions about a policy that you bring yourself, comparisons and labels do not.",
        "Ihre Frage und Sätze der Erklärung, um die es geht, gehen an das Chatmodell, das der Betreiber dieses "
        "Dienstes gewählt hat ({name}). Fragen zu einer Erklärung, die Sie selbst mitbringen, Vergleiche und "
        "Übersichten nicht.",
        "Votre question et des phrases de la politique concernée sont transmises au modèle de langage choisi par "
        "l’exploitant de ce service ({name}). Ce n’est pas le cas des questions sur une politique que vous apportez, "
        "des comparaisons et des aperçus.",
        "Su pregunta y frases de la política de la que trata se envían al modelo de chat que ha elegido quien opera "
        "este servicio ({name}). No así las preguntas sobre una política que usted traiga, las comparaciones ni los "
        "resúmenes.",
    ),
    "about.stored_unkept": (
        "Questions and conversations are not kept or logged on this server. A conversation is in this page only, and "
        "gone when you close it.",
        "Fragen und Gespräche werden auf diesem Server weder aufbewahrt noch protokolliert. Ein Gespräch ist nur in "
        "dieser Seite und verschwindet, wenn Sie sie schließen.",
        "Ni les questions ni les conversations ne sont conservées ou journalisées sur ce serveur. Une conversation "
        "n’existe que dans cette page et disparaît à sa fermeture.",
        "Ni las preguntas ni las conversaciones se guardan o registran en este servidor. Una conversación está solo en "
        "esta página y desaparece al cerrarla.",
    ),
    "about.stored_address": (
        "The address of this page says which view and which policies you look at and, in Look back, what "
        "you look for. What you ask is only in a link that you copy; it stays in the history of "
        "whoever opens it.",
        "Die Adresse dieser Seite sagt, welche Ansicht und welche Erklärungen Sie sehen, und beim "
        "Rückblick, wonach Sie suchen. Was Sie fragen, steht nur in einem Link, den Sie kopieren; er "
        "bleibt im Verlauf dessen, der ihn öffnet.",
        "L’adresse de cette page dit quelle vue et quelles politiques vous regardez et, dans Historique, ce "
        "que vous cherchez. Ce que vous demandez n’est que dans un lien que vous copiez ; il reste "
        "dans l’historique de qui l’ouvre.",
        "La dirección de esta página dice qué vista y qué políticas mira y, en Historial, qué busca. Lo que "
        "pregunta solo está en un enlace que usted copie; queda en el historial de quien lo abra.",
    ),
    "about.stored_own": (
        "A policy that you bring yourself serves this visit only and is then forgotten. Feedback is stored "
        "when you send "
        "it, with your question only if you agree.",
        "Eine Erklärung, die Sie selbst mitbringen, dient nur diesem Besuch und wird dann vergessen. "
        "Rückmeldungen werden "
        "gespeichert, wenn Sie sie senden, Ihre Frage nur mit Ihrer Zustimmung.",
        "Une politique que vous apportez ne sert qu’à cette visite et est ensuite oubliée. Un avis est "
        "conservé quand vous "
        "l’envoyez, avec votre question seulement si vous l’acceptez.",
        "Una política que usted traiga sirve solo para esta visita y luego se olvida. Una opinión se guarda cuando la "
        "envía, con su pregunta solo si lo acepta.",
    ),
    "about.stored_browser": (
        "This browser remembers, for you alone, your language, light or dark, whether shortcuts are on, and the six "
        "policies you chose last.",
        "Dieser Browser merkt sich, nur für Sie, Ihre Sprache, hell oder dunkel, ob Kürzel an sind, und die sechs "
        "zuletzt gewählten Erklärungen.",
        "Ce navigateur retient, pour vous seul, votre langue, clair ou sombre, l’usage des raccourcis et les six "
        "dernières politiques choisies.",
        "Este navegador recuerda, solo para usted, su idioma, claro u oscuro, si los atajos están activos y las seis "
        "últimas políticas elegidas.",
    ),
    "about.forget": (
        "Forget these settings",
        "Diese Einstellungen vergessen",
        "Oublier ces réglages",
        "Olvidar estos ajustes",
    ),
    "about.forgotten": ("Forgotten.", "Vergessen.", "Oublié.", "Olvidado."),
    "about.licence": ("Licence", "Lizenz", "Licence", "Licencia"),
    "about.licence_text": (
        "fineprint is open source under the Apache License 2.0. The policies belong to their owners.",
        "fineprint ist quelloffen unter der Apache-Lizenz 2.0. Die Erklärungen gehören ihren Eigentümern.",
        "fineprint est libre, sous licence Apache 2.0. Les politiques appartiennent à leurs propriétaires.",
        "fineprint es de código abierto, con licencia Apache 2.0. Las políticas pertenecen a sus dueños.",
    ),
}
_PAGE: Final = {
    "page.skip": ("Skip to the content", "Zum Inhalt", "Aller au contenu", "Ir al contenido"),
    "page.tagline": (
        "Ask what a privacy policy really says. Every answer is proven by its own words.",
        "Was steht wirklich in der Datenschutzerklärung? Jede Antwort ist mit ihren Worten belegt.",
        "Ce que dit vraiment une politique de confidentialité, prouvé par ses propres mots.",
        "Lo que dice de verdad una política de privacidad, probado con sus propias palabras.",
    ),
    "page.language": ("Language", "Sprache", "Langue", "Idioma"),
    "page.theme": ("Light or dark", "Hell oder dunkel", "Clair ou sombre", "Claro u oscuro"),
    "page.theme_system": ("System", "System", "Système", "Sistema"),
    "page.theme_light": ("Light", "Hell", "Clair", "Claro"),
    "page.theme_dark": ("Dark", "Dunkel", "Sombre", "Oscuro"),
    "page.keys": ("Keyboard shortcuts", "Tastenkürzel", "Raccourcis clavier", "Atajos de teclado"),
    "page.keys_on": (
        "Use the shortcuts of a single key",
        "Kürzel mit nur einer Taste verwenden",
        "Utiliser les raccourcis à une seule touche",
        "Usar los atajos de una sola tecla",
    ),
    "page.keys_note": (
        "They never act while you type in a field.",
        "Sie wirken nie, während Sie in ein Feld tippen.",
        "Ils n’agissent jamais pendant la saisie dans un champ.",
        "Nunca actúan mientras escribe en un campo.",
    ),
    "page.key_question": ("Type a question", "Frage eingeben", "Saisir une question", "Escribir una pregunta"),
    "page.key_question_anywhere": (
        "The same, even with the others off",
        "Dasselbe, auch wenn die anderen aus sind",
        "De même, même si les autres sont désactivés",
        "Lo mismo, aunque los demás estén desactivados",
    ),
    "page.key_picker": ("Choose a policy", "Erklärung wählen", "Choisir une politique", "Elegir una política"),
    "page.key_views": (
        "Ask, Compare, Look back, About",
        "Fragen, Vergleichen, Rückblick, Über",
        "Demander, Comparer, Historique, À propos",
        "Preguntar, Comparar, Historial, Acerca de",
    ),
    "page.key_list": ("This list", "Diese Liste", "Cette liste", "Esta lista"),
    "page.key_close": ("Close a list or a window", "Liste oder Fenster schließen", "Fermer", "Cerrar"),
    "page.close": ("Close", "Schließen", "Fermer", "Cerrar"),
    "page.no_such_policy": (
        "The link is about a policy that is not here: {name}",
        "Der Link meint eine Erklärung, die es hier nicht gibt: {name}",
        "Le lien concerne une politique qui n’est pas ici : {name}",
        "El enlace trata de una política que no está aquí: {name}",
    ),
    "page.question_too_long": (
        "The question in the link is too long. Ask it in fewer words.",
        "Die Frage im Link ist zu lang. Fragen Sie kürzer.",
        "La question du lien est trop longue. Posez-la plus brièvement.",
        "La pregunta del enlace es demasiado larga. Hágala más corta.",
    ),
    "page.copy_link": ("Copy link", "Link kopieren", "Copier le lien", "Copiar enlace"),
    "page.link_copied": (
        "Copied. The link holds the policy and your question.",
        "Kopiert. Der Link enthält die Erklärung und Ihre Frage.",
        "Copié. Le lien contient la politique et votre question.",
        "Copiado. El enlace contiene la política y su pregunta.",
    ),
    "page.no_link": (
        "There is no link to this answer.",
        "Zu dieser Antwort gibt es keinen Link.",
        "Il n’y a pas de lien vers cette réponse.",
        "No hay enlace a esta respuesta.",
    ),
    "page.link_shown": (
        "The browser does not let this page copy. The link is in the address bar.",
        "Der Browser lässt diese Seite nicht kopieren. Der Link steht in der Adresszeile.",
        "Le navigateur n’autorise pas la copie. Le lien est dans la barre d’adresse.",
        "El navegador no permite copiar. El enlace está en la barra de direcciones.",
    ),
}
_CHAT: Final = {
    "chat.comparison": (
        "Comparison",
        "Vergleich",
        "Comparaison",
        "Comparación",
    ),
    "chat.is_yes": (
        "Yes",
        "Ja",
        "Oui",
        "Sí",
    ),
    "chat.is_no": (
        "No",
        "Nein",
        "Non",
        "No",
    ),
    "chat.is_conditional": (
        "It depends",
        "Es kommt darauf an",
        "Cela dépend",
        "Depende",
    ),
    "chat.is_answered": (
        "Answer",
        "Antwort",
        "Réponse",
        "Respuesta",
    ),
    "chat.is_not_stated": (
        "Not stated",
        "Nicht angegeben",
        "Non précisé",
        "No se indica",
    ),
    "chat.perhaps_yes": ("Perhaps yes", "Vielleicht ja", "Peut-être oui", "Quizá sí"),
    "chat.perhaps_no": ("Perhaps no", "Vielleicht nein", "Peut-être non", "Quizá no"),
    "chat.perhaps_conditional": (
        "Perhaps it depends",
        "Kommt vielleicht darauf an",
        "Cela dépend peut-être",
        "Quizá depende",
    ),
    "chat.perhaps_answered": ("Perhaps this", "Vielleicht dies", "Peut-être ceci", "Quizá esto"),
    "chat.perhaps_not_stated": (
        "Perhaps not stated",
        "Vielleicht nicht angegeben",
        "Peut-être non précisé",
        "Quizá no se indica",
    ),
    "chat.doubt_part": (
        "The policy may say something about this after all.",
        "Die Erklärung sagt vielleicht doch etwas dazu.",
        "La politique en dit peut-être quelque chose.",
        "Quizá la política sí diga algo.",
    ),
    "chat.ask_alone": (
        "Ask this alone to see the nearest passages",
        "Dies einzeln fragen, um die nächstliegenden Stellen zu sehen",
        "Demander cela seul pour voir les passages les plus proches",
        "Preguntar solo esto para ver los pasajes más cercanos",
    ),
    "chat.choose": ("Choose the company …", "Firma wählen …", "Choisir l’entreprise…", "Elegir la empresa…"),
    "chat.not_english": (
        "Please ask in English: the policies are in English, and only English questions are understood.",
        "Bitte fragen Sie auf Englisch: Die Erklärungen sind englisch, und nur englische Fragen werden verstanden.",
        "Posez la question en anglais : les politiques sont en anglais et seul l’anglais est compris.",
        "Pregunte en inglés: las políticas están en inglés y solo se entienden preguntas en inglés.",
    ),
    "chat.too_many": (
        "Too many questions at once. Ask again {when}.",
        "Zu viele Fragen auf einmal. Fragen Sie {when} noch einmal.",
        "Trop de questions à la fois. Redemandez {when}.",
        "Demasiadas preguntas a la vez. Pregunte de nuevo {when}.",
    ),
    "chat.busy": (
        "There is no answer just now. Ask again {when}.",
        "Gerade gibt es keine Antwort. Fragen Sie {when} noch einmal.",
        "Pas de réponse pour le moment. Redemandez {when}.",
        "Ahora mismo no hay respuesta. Pregunte de nuevo {when}.",
    ),
    "chat.guess": ("Best guess:", "Vermutung:", "Supposition :", "Suposición:"),
    "chat.doubt_title": (
        "Not sure: read the passage.",
        "Unsicher: Lesen Sie die Stelle.",
        "Pas sûr : lisez le passage.",
        "No es seguro: lea el pasaje.",
    ),
    "chat.doubt_silent_title": (
        "Not sure that it is silent.",
        "Nicht sicher, dass sie schweigt.",
        "Silence incertain.",
        "No es seguro que calle.",
    ),
    "chat.is_unknown_company": (
        "Unknown company",
        "Unbekannte Firma",
        "Entreprise inconnue",
        "Empresa desconocida",
    ),
    "chat.is_needs_company": (
        "Which company?",
        "Welche Firma?",
        "Quelle entreprise ?",
        "¿Qué empresa?",
    ),
    "chat.is_out_of_scope": (
        "Not a privacy question",
        "Keine Datenschutzfrage",
        "Hors du sujet",
        "No es una pregunta de privacidad",
    ),
    "chat.failed": (
        "Not answered",
        "Nicht beantwortet",
        "Sans réponse",
        "Sin respuesta",
    ),
    "chat.as_of": (
        "policy as of",
        "Stand",
        "politique du",
        "política del",
    ),
    "chat.nearest": (
        "Nearest passages:",
        "Nächstliegende Stellen:",
        "Passages les plus proches :",
        "Pasajes más cercanos:",
    ),
    "chat.note": (
        "Note:",
        "Hinweis:",
        "Remarque :",
        "Nota:",
    ),
    "chat.company": (
        "Company",
        "Firma",
        "Entreprise",
        "Empresa",
    ),
    "chat.verdict": (
        "Verdict",
        "Urteil",
        "Verdict",
        "Veredicto",
    ),
    "chat.says": (
        "What its policy says",
        "Was ihre Erklärung sagt",
        "Ce que dit sa politique",
        "Lo que dice su política",
    ),
    "chat.finding": (
        "Finding the policy",
        "Erklärung finden",
        "Trouver la politique",
        "Buscar la política",
    ),
    "chat.reading": (
        "Reading every sentence",
        "Jeden Satz lesen",
        "Lire chaque phrase",
        "Leer cada frase",
    ),
    "chat.reading_sentences": (
        "Reading {n} sentences",
        "{n} Sätze lesen",
        "Lire {n} phrases",
        "Leer {n} frases",
    ),
    "chat.reading_policies": (
        "Reading {n} policies",
        "{n} Erklärungen lesen",
        "Lire {n} politiques",
        "Leer {n} políticas",
    ),
    "chat.checking": (
        "Checking the quotes",
        "Zitate prüfen",
        "Vérifier les citations",
        "Comprobar las citas",
    ),
    "chat.writing": (
        "Writing and checking",
        "Schreiben und prüfen",
        "Rédiger et vérifier",
        "Redactar y comprobar",
    ),
    "chat.worded": (
        "Worded by {name}; every sentence checked against the policy.",
        "Formuliert von {name}; jeder Satz an der Erklärung geprüft.",
        "Formulé par {name} ; chaque phrase vérifiée dans la politique.",
        "Redactado por {name}; cada frase comprobada en la política.",
    ),
    "chat.own_words_one": (
        "One sentence is given in the policy’s own words instead of the model’s.",
        "Ein Satz steht in den Worten der Erklärung statt in denen des Modells.",
        "Une phrase est donnée dans les mots de la politique au lieu de ceux du modèle.",
        "Una frase se da con las palabras de la política en vez de las del modelo.",
    ),
    "chat.own_words": (
        "{n} sentences are given in the policy’s own words instead of the model’s.",
        "{n} Sätze stehen in den Worten der Erklärung statt in denen des Modells.",
        "{n} phrases sont données dans les mots de la politique au lieu de ceux du modèle.",
        "{n} frases se dan con las palabras de la política en vez de las del modelo.",
    ),
    "chat.left_out_one": (
        "One sentence of the model was left out because the policy does not prove it.",
        "Ein Satz des Modells wurde weggelassen, weil die Erklärung ihn nicht belegt.",
        "Une phrase du modèle a été omise, car la politique ne la prouve pas.",
        "Se omitió una frase del modelo porque la política no la prueba.",
    ),
    "chat.left_out": (
        "{n} sentences of the model were left out because the policy does not prove them.",
        "{n} Sätze des Modells wurden weggelassen, weil die Erklärung sie nicht belegt.",
        "{n} phrases du modèle ont été omises, car la politique ne les prouve pas.",
        "Se omitieron {n} frases del modelo porque la política no las prueba.",
    ),
    "chat.stopped_early": (
        "Stopped before the answer was whole.",
        "Angehalten, bevor die Antwort vollständig war.",
        "Arrêté avant la fin de la réponse.",
        "Detenido antes de completar la respuesta.",
    ),
    "chat.proven_so_far": ("Proven until then:", "Bis dahin belegt:", "Prouvé jusque-là :", "Probado hasta entonces:"),
    "chat.next": (
        "Ask next",
        "Weiter fragen",
        "Question suivante",
        "Siguiente pregunta",
    ),
    "chat.certainty_sure": (
        "sure",
        "sicher",
        "sûr",
        "seguro",
    ),
    "chat.certainty_fairly": (
        "fairly sure",
        "ziemlich sicher",
        "assez sûr",
        "bastante seguro",
    ),
    "chat.certainty_unsure": (
        "not sure: read the passages",
        "unsicher: Stellen lesen",
        "pas sûr : lisez les passages",
        "no es seguro: lea los pasajes",
    ),
    "chat.means_sure": (
        "In our tests about 9 of 10 answers called “sure” were right.",
        "In unseren Tests waren etwa 9 von 10 „sicheren“ Antworten richtig.",
        "Dans nos tests, environ 9 réponses « sûres » sur 10 étaient justes.",
        "En nuestras pruebas, unas 9 de cada 10 respuestas «seguras» eran correctas.",
    ),
    "chat.means_fairly": (
        "In our tests about 2 of 3 answers called “fairly sure” were right. Read the cited words.",
        "In unseren Tests waren etwa 2 von 3 „ziemlich sicheren“ Antworten richtig. Lesen Sie den zitierten Wortlaut.",
        "Dans nos tests, environ 2 réponses « assez sûres » sur 3 étaient justes. Lisez les mots cités.",
        "En nuestras pruebas, unas 2 de cada 3 respuestas «bastante seguras» eran correctas. Lea las palabras citadas.",
    ),
    "chat.means_unsure": (
        "In our tests more than half of such answers were wrong. The quotes are real; judge them yourself.",
        "In unseren Tests war mehr als die Hälfte solcher Antworten falsch. Die Zitate sind echt; urteilen Sie selbst.",
        "Dans nos tests, plus de la moitié de ces réponses étaient fausses. Les citations sont réelles ; "
        "jugez vous-même.",
        "En nuestras pruebas, más de la mitad de estas respuestas eran incorrectas. Las citas son reales; "
        "juzgue usted.",
    ),
    "chat.means_silent_sure": (
        "It is very likely that the policy says nothing about this.",
        "Sehr wahrscheinlich sagt die Erklärung nichts dazu.",
        "Il est très probable que la politique n’en dise rien.",
        "Es muy probable que la política no diga nada de esto.",
    ),
    "chat.means_silent_fairly": (
        "It is likely that the policy says nothing about this. Look at the nearest passages.",
        "Wahrscheinlich sagt die Erklärung nichts dazu. Sehen Sie die nächstliegenden Stellen an.",
        "Il est probable que la politique n’en dise rien. Voyez les passages les plus proches.",
        "Es probable que la política no diga nada de esto. Vea los pasajes más cercanos.",
    ),
    "chat.means_silent_unsure": (
        "The policy may say something about this after all. Read the nearest passages.",
        "Die Erklärung sagt vielleicht doch etwas dazu. Lesen Sie die nächstliegenden Stellen.",
        "La politique en dit peut-être quelque chose. Lisez les passages les plus proches.",
        "Quizá la política sí diga algo. Lea los pasajes más cercanos.",
    ),
    "chat.copy": (
        "Copy",
        "Kopieren",
        "Copier",
        "Copiar",
    ),
    "chat.copied": (
        "Copied",
        "Kopiert",
        "Copié",
        "Copiado",
    ),
    "chat.export": (
        "Export",
        "Exportieren",
        "Exporter",
        "Exportar",
    ),
    "chat.export_page": (
        "Page to print",
        "Seite zum Drucken",
        "Page à imprimer",
        "Página para imprimir",
    ),
    "chat.export_markdown": (
        "Markdown",
        "Markdown",
        "Markdown",
        "Markdown",
    ),
    "chat.export_json": (
        "JSON",
        "JSON",
        "JSON",
        "JSON",
    ),
    "chat.export_failed": (
        "The conversation could not be exported. Try again.",
        "Das Gespräch ließ sich nicht exportieren. Versuchen Sie es noch einmal.",
        "La conversation n’a pas pu être exportée. Réessayez.",
        "No se pudo exportar la conversación. Inténtelo de nuevo.",
    ),
    "chat.conversation": (
        "Conversation",
        "Gespräch",
        "Conversation",
        "Conversación",
    ),
    "chat.new": (
        "New conversation",
        "Neues Gespräch",
        "Nouvelle conversation",
        "Nueva conversación",
    ),
    "chat.hint": (
        "Ask about a company’s policy, or start with one of these.",
        "Fragen Sie nach der Erklärung einer Firma, oder beginnen Sie hiermit.",
        "Posez une question sur la politique d’une entreprise, ou commencez par l’une de celles-ci.",
        "Pregunte por la política de una empresa o empiece con una de estas.",
    ),
    "chat.placeholder": (
        "Ask in English, e.g. do they sell my data?",
        "Fragen Sie auf Englisch",
        "Question en anglais",
        "Pregunte en inglés",
    ),
    "chat.placeholder_more": (
        "Ask a follow-up, in English",
        "Weiterfragen, auf Englisch",
        "Poursuivez, en anglais",
        "Siga preguntando, en inglés",
    ),
    "chat.question": (
        "Question",
        "Frage",
        "Question",
        "Pregunta",
    ),
    "chat.ask": (
        "Ask",
        "Fragen",
        "Demander",
        "Preguntar",
    ),
    "chat.stop": (
        "Stop",
        "Stopp",
        "Arrêter",
        "Detener",
    ),
}
_PROOF: Final = {
    "proof.proof": ("Proof", "Beleg", "Preuve", "Prueba"),
    "proof.here": (
        "The proof appears here.",
        "Hier erscheint der Beleg.",
        "La preuve apparaît ici.",
        "Aquí aparece la prueba.",
    ),
    "proof.explained": (
        "Every claim in an answer carries a number. Choose it to see the exact words of the policy, where they stand, "
        "and when they were published.",
        "Jede Aussage einer Antwort trägt eine Nummer. Wählen Sie sie, um den genauen Wortlaut zu sehen, wo er steht "
        "und von wann er ist.",
        "Chaque affirmation porte un numéro. Choisissez-le pour voir les mots exacts de la politique, leur place et "
        "leur date.",
        "Cada afirmación lleva un número. Elíjalo para ver las palabras exactas de la política, dónde están y de "
        "cuándo son.",
    ),
    "proof.none": ("Nothing is cited.", "Nichts ist zitiert.", "Rien n’est cité.", "No se cita nada."),
    "proof.none_explained": (
        "This answer quotes no policy, so there is nothing to prove.",
        "Diese Antwort zitiert keine Erklärung, also gibt es nichts zu belegen.",
        "Cette réponse ne cite aucune politique : il n’y a rien à prouver.",
        "Esta respuesta no cita ninguna política: no hay nada que probar.",
    ),
    "proof.policy_says": (
        "What the policy says",
        "Was die Erklärung sagt",
        "Ce que dit la politique",
        "Lo que dice la política",
    ),
    "proof.policies_say": (
        "What the policies say",
        "Was die Erklärungen sagen",
        "Ce que disent les politiques",
        "Lo que dicen las políticas",
    ),
    "proof.nearest": (
        "Nearest passages",
        "Nächstliegende Stellen",
        "Passages les plus proches",
        "Pasajes más cercanos",
    ),
    "proof.nearest_explained": (
        "These are related, but they do not answer the question.",
        "Sie sind verwandt, beantworten die Frage aber nicht.",
        "Ils sont proches du sujet, mais ne répondent pas à la question.",
        "Están relacionados, pero no responden a la pregunta.",
    ),
    "proof.as_of": ("as of", "Stand", "au", "a"),
    "proof.archived": ("Archived page", "Archivierte Seite", "Page archivée", "Página archivada"),
    "proof.whole": (
        "Read the whole policy",
        "Ganze Erklärung lesen",
        "Lire toute la politique",
        "Leer toda la política",
    ),
    "proof.listed": ("Cited passages only", "Nur zitierte Stellen", "Passages cités seuls", "Solo lo citado"),
    "proof.back": ("Back to the answer", "Zurück zur Antwort", "Retour à la réponse", "Volver a la respuesta"),
    "proof.sections": ("Sections", "Abschnitte", "Sections", "Secciones"),
    "proof.passages": ("Cited passages", "Zitierte Stellen", "Passages cités", "Pasajes citados"),
    "proof.passage": ("Cited passage", "Zitierte Stelle", "Passage cité", "Pasaje citado"),
    "proof.previous": (
        "Previous cited passage",
        "Vorige zitierte Stelle",
        "Passage cité précédent",
        "Pasaje citado anterior",
    ),
    "proof.following": (
        "Next cited passage",
        "Nächste zitierte Stelle",
        "Passage cité suivant",
        "Pasaje citado siguiente",
    ),
    "proof.quote": ("Copy quotation", "Zitat kopieren", "Copier la citation", "Copiar la cita"),
    "proof.copied": ("Copied", "Kopiert", "Copié", "Copiado"),
}
_PICKER: Final = {
    "picker.policy": ("Policy", "Erklärung", "Politique", "Política"),
    "picker.any": ("Let the question say", "Die Frage sagt es", "Selon la question", "Según la pregunta"),
    "picker.choose": (
        "Choose a company, or name it below",
        "Firma wählen, oder unten nennen",
        "Choisissez une entreprise, ou nommez-la",
        "Elija una empresa, o nómbrela abajo",
    ),
    "picker.type": (
        "Type a company or website",
        "Firma oder Website eingeben",
        "Saisissez une entreprise ou un site",
        "Escriba una empresa o un sitio",
    ),
    "picker.list": ("Policies", "Datenschutzerklärungen", "Politiques", "Políticas"),
    "picker.clear": ("Choose none", "Auswahl aufheben", "Ne rien choisir", "Quitar la selección"),
    "picker.remove": ("Remove {name}", "{name} entfernen", "Retirer {name}", "Quitar {name}"),
    "picker.found": ("Found: {n}", "Gefunden: {n}", "Trouvés : {n}", "Encontrados: {n}"),
    "picker.nothing": (
        "Nothing here is called that. Try part of the name or of the web address.",
        "Nichts heißt hier so. Versuchen Sie einen Teil des Namens oder der Webadresse.",
        "Rien ne porte ce nom ici. Essayez une partie du nom ou de l’adresse.",
        "Nada se llama así aquí. Pruebe con parte del nombre o de la dirección.",
    ),
    "picker.unreachable": (
        "The list cannot be read just now. Try again in a moment.",
        "Die Liste ist gerade nicht lesbar. Versuchen Sie es gleich noch einmal.",
        "La liste est illisible pour l’instant. Réessayez dans un moment.",
        "La lista no se puede leer ahora. Inténtelo de nuevo en un momento.",
    ),
    "picker.none": (
        "No policies are indexed yet.",
        "Noch ist keine Erklärung erfasst.",
        "Aucune politique n’est encore indexée.",
        "Aún no hay políticas indexadas.",
    ),
    "picker.versions": ("{n} versions", "{n} Fassungen", "{n} versions", "{n} versiones"),
    "picker.older": ("Older versions", "Ältere Fassungen", "Versions antérieures", "Versiones anteriores"),
    "picker.recent": ("Recent", "Zuletzt gewählt", "Récentes", "Recientes"),
    "picker.forget": ("Clear recent", "Zuletzt gewählte vergessen", "Effacer les récentes", "Borrar las recientes"),
    "picker.yours": ("Yours", "Ihre", "Les vôtres", "Las suyas"),
    "picker.browse": ("Browse", "Durchsehen", "Parcourir", "Explorar"),
    "picker.all": ("All, by name", "Alle, nach Namen", "Toutes, par nom", "Todas, por nombre"),
    "picker.letters": ("By first letter", "Nach Anfangsbuchstaben", "Par initiale", "Por inicial"),
    "picker.years": ("By year of archive", "Nach Archivjahr", "Par année d’archivage", "Por año de archivo"),
    "picker.several": (
        "Sites with several versions",
        "Websites mit mehreren Fassungen",
        "Sites à plusieurs versions",
        "Sitios con varias versiones",
    ),
    "picker.back": ("Back", "Zurück", "Retour", "Volver"),
    "picker.more": ("Show more", "Mehr anzeigen", "Afficher plus", "Mostrar más"),
    "picker.full": (
        "No more can be chosen.",
        "Mehr lassen sich nicht wählen.",
        "On ne peut pas en choisir davantage.",
        "No se pueden elegir más.",
    ),
}
_LABEL: Final = {
    "label.title": ("At a glance", "Auf einen Blick", "En bref", "De un vistazo"),
    # The titles of qa.labelling.TOPICS, by topic.
    "label.sell": ("Sells your data", "Verkauft Ihre Daten", "Vend vos données", "Vende sus datos"),
    "label.share": (
        "Shares your data with others",
        "Gibt Ihre Daten weiter",
        "Partage vos données",
        "Comparte sus datos",
    ),
    "label.ads": (
        "Shows ads based on what you do",
        "Zeigt auf Sie zugeschnittene Werbung",
        "Publicité selon vos activités",
        "Anuncios según lo que hace",
    ),
    "label.cookies": (
        "What it uses cookies for",
        "Wofür es Cookies nutzt",
        "À quoi servent les cookies",
        "Para qué usa cookies",
    ),
    "label.children": (
        "Collects data from children",
        "Erhebt Daten von Kindern",
        "Collecte des données d’enfants",
        "Recoge datos de menores",
    ),
    "label.security": (
        "How it protects your data",
        "Wie es Ihre Daten schützt",
        "Comment vos données sont protégées",
        "Cómo protege sus datos",
    ),
    "label.retention": (
        "How long it keeps your data",
        "Wie lange Daten gespeichert werden",
        "Combien de temps elles sont gardées",
        "Cuánto tiempo guarda sus datos",
    ),
    "label.access": (
        "How to see or delete your data",
        "Daten einsehen oder löschen",
        "Consulter ou supprimer vos données",
        "Cómo ver o borrar sus datos",
    ),
    "label.opt_out": (
        "Lets you refuse marketing",
        "Werbung abbestellbar",
        "Permet de refuser la publicité",
        "Permite rechazar la publicidad",
    ),
    "label.law_enforcement": (
        "Gives data to the authorities",
        "Gibt Daten an Behörden",
        "Communique aux autorités",
        "Da datos a las autoridades",
    ),
    "label.ownership": (
        "Passes data to a new owner",
        "Gibt Daten an neue Eigentümer",
        "Transmet à un repreneur",
        "Pasa datos a un nuevo dueño",
    ),
    "label.changes": (
        "How it announces changes",
        "Wie Änderungen bekannt werden",
        "Comment les changements sont annoncés",
        "Cómo anuncia los cambios",
    ),
    "label.contact": ("How to reach it", "Kontakt", "Comment écrire au site", "Cómo contactar"),
    "label.is_yes": ("Yes", "Ja", "Oui", "Sí"),
    "label.is_no": ("No", "Nein", "Non", "No"),
    "label.is_conditional": ("It depends", "Kommt darauf an", "Cela dépend", "Depende"),
    "label.is_stated": ("It says", "Steht darin", "C’est dit", "Lo dice"),
    "label.is_not_stated": ("Does not say", "Steht nicht darin", "Ne le dit pas", "No lo dice"),
    "label.is_unclear": ("Unclear", "Unklar", "Pas clair", "No está claro"),
    "label.silent": (
        "The policy does not say.",
        "Die Erklärung sagt dazu nichts.",
        "La politique n’en dit rien.",
        "La política no dice nada de esto.",
    ),
    "label.unsure": (
        "Not clear enough for one word: this passage comes nearest.",
        "Nicht eindeutig genug für ein Wort; am nächsten kommt diese Stelle.",
        "Pas assez clair pour un mot ; voici le passage le plus proche.",
        "No basta una palabra: este es el pasaje más cercano.",
    ),
    "label.ask": ("Ask this", "Danach fragen", "Poser la question", "Preguntar esto"),
    "label.note": (
        "Computed from the policy’s words; not legal advice.",
        "Aus den Worten der Erklärung errechnet; keine Rechtsberatung.",
        "Calculé d’après les mots de la politique ; ne vaut pas conseil juridique.",
        "Calculado a partir de la política; no es asesoramiento jurídico.",
    ),
    "label.save": ("Save as", "Speichern als", "Enregistrer en", "Guardar como"),
    "label.saved": ("Saved as {name}", "Gespeichert als {name}", "Enregistré : {name}", "Guardado como {name}"),
    "label.unsaved": (
        "The file could not be made. Try again in a moment.",
        "Die Datei ließ sich nicht erzeugen. Versuchen Sie es gleich noch einmal.",
        "Le fichier n’a pas pu être créé. Réessayez dans un moment.",
        "No se pudo crear el archivo. Inténtelo de nuevo en un momento.",
    ),
    "label.reading": (
        "Reading the policy …",
        "Die Erklärung wird gelesen …",
        "Lecture de la politique …",
        "Leyendo la política …",
    ),
    "label.failed": (
        "This policy cannot be shown at a glance just now. You can still ask about it.",
        "Der Überblick ist gerade nicht möglich. Fragen können Sie trotzdem.",
        "L’aperçu n’est pas possible pour l’instant. Vous pouvez quand même poser des questions.",
        "El resumen no es posible ahora. Aun así, puede preguntar.",
    ),
}
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "own.title": (
        "Use a policy of your own",
        "Eine eigene Erklärung verwenden",
        "Utiliser votre propre politique",
        "Usar una política propia",
    ),
    "own.paste": (
        "Paste the text of a privacy policy, in English",
        "Text einer Datenschutzerklärung einfügen, auf Englisch",
        "Collez le texte d’une politique de confidentialité, en anglais",
        "Pegue el texto de una política de privacidad, en inglés",
    ),
    "own.placeholder": (
        "Open the policy in another tab, select everything, copy it, and paste it here.",
        "Die Erklärung in einem anderen Tab öffnen, alles markieren, kopieren und hier einfügen.",
        "Ouvrez la politique dans un autre onglet, sélectionnez tout, copiez, puis collez ici.",
        "Abra la política en otra pestaña, selecciónelo todo, cópielo y péguelo aquí.",
    ),
    "own.file": ("Choose a file", "Datei wählen", "Choisir un fichier", "Elegir un archivo"),
    "own.drop": (
        "or drop one here: PDF, Word, HTML, Markdown or text",
        "oder hier ablegen: PDF, Word, HTML, Markdown oder Text",
        "ou déposez-le ici : PDF, Word, HTML, Markdown ou texte",
        "o suéltelo aquí: PDF, Word, HTML, Markdown o texto",
    ),
    "own.address": (
        "Address of a privacy policy, in English",
        "Adresse einer Datenschutzerklärung, auf Englisch",
        "Adresse d’une politique de confidentialité, en anglais",
        "Dirección de una política de privacidad, en inglés",
    ),
    "own.address_note": (
        "This service opens the page; its site sees the service, not you. Or bring the text yourself:",
        "Dieser Dienst öffnet die Seite; deren Betreiber sieht den Dienst, nicht Sie. Oder selbst den Text bringen:",
        "Ce service ouvre la page ; le site voit le service, pas vous. Ou apportez le texte vous-même :",
        "Este servicio abre la página; el sitio ve al servicio, no a usted. O traiga el texto usted mismo:",
    ),
    "own.opening": (
        "Opening the page… a slow site is given 15 seconds.",
        "Die Seite wird geöffnet… eine langsame hat 15 Sekunden Zeit.",
        "Ouverture de la page… un site lent a 15 secondes.",
        "Abriendo la página… un sitio lento tiene 15 segundos.",
    ),
    "own.cancel": ("Cancel", "Abbrechen", "Annuler", "Cancelar"),
    "own.cancelled": (
        "Cancelled: nothing was kept.",
        "Abgebrochen: Nichts wurde behalten.",
        "Annulé : rien n’a été conservé.",
        "Cancelado: no se ha guardado nada.",
    ),
    "own.company": (
        "Company (if you like)",
        "Firma (freiwillig)",
        "Entreprise (facultatif)",
        "Empresa (opcional)",
    ),
    "own.date": (
        "Its date (if you like)",
        "Ihr Datum (freiwillig)",
        "Sa date (facultatif)",
        "Su fecha (opcional)",
    ),
    "own.use": ("Use it", "Verwenden", "L’utiliser", "Usarla"),
    "own.promise": (
        "It stays in this service’s memory for this tab only. It is never written to disk, and gone at once when you "
        "forget it, about a minute after you leave the page, or when you have not used it for {minutes} minutes.",
        "Sie bleibt nur für diesen Tab im Arbeitsspeicher dieses Dienstes. Sie wird nie auf Platte geschrieben und ist "
        "fort: sofort, wenn Sie sie vergessen lassen, etwa eine Minute nach Verlassen der Seite oder wenn Sie sie "
        "{minutes} Minuten nicht benutzen.",
        "Elle reste dans la mémoire de ce service pour cet onglet seulement. Elle n’est jamais écrite sur disque et "
        "disparaît dès que vous l’oubliez, environ une minute après que vous quittez la page, ou si vous ne "
        "l’utilisez pas pendant {minutes} minutes.",
        "Permanece en la memoria de este servicio solo para esta pestaña. Nunca se escribe en disco y desaparece "
        "en cuanto la olvida, alrededor de un minuto después de dejar la página o si no la usa durante {minutes} "
        "minutos.",
    ),
    "own.yours": ("Your policy:", "Ihre Erklärung:", "Votre politique :", "Su política:"),
    "own.unnamed": ("unnamed", "ohne Namen", "sans nom", "sin nombre"),
    "own.only_here": (
        "only in this session",
        "nur in dieser Sitzung",
        "dans cette session seulement",
        "solo en esta sesión",
    ),
    "own.choose": ("Ask it", "Befragen", "L’interroger", "Preguntarle"),
    "own.chosen": ("Being asked", "Wird befragt", "Interrogée", "En uso"),
    "own.forget": ("Forget", "Vergessen", "Oublier", "Olvidar"),
    "own.forget_name": ("Forget {name}", "{name} vergessen", "Oublier {name}", "Olvidar {name}"),
    "own.forgotten": (
        "{name} is forgotten: nothing of it is kept.",
        "{name} ist vergessen: Nichts davon ist noch da.",
        "{name} est oubliée : rien n’en est conservé.",
        "{name} se ha olvidado: no se conserva nada de ella.",
    ),
    "own.reading": ("Reading it…", "Wird gelesen…", "Lecture en cours…", "Leyéndola…"),
    "own.reading_long": (
        "Reading it… a text this long can take a minute.",
        "Wird gelesen… bei so viel Text kann das eine Minute dauern.",
        "Lecture en cours… un texte aussi long peut prendre une minute.",
        "Leyéndola… un texto tan largo puede tardar un minuto.",
    ),
    "own.ready": (
        "{name} can be asked now.",
        "{name} kann jetzt befragt werden.",
        "{name} peut être interrogée.",
        "Ya puede preguntar sobre {name}.",
    ),
    "own.empty": (
        "Paste a text or choose a file first.",
        "Erst einen Text einfügen oder eine Datei wählen.",
        "Collez d’abord un texte ou choisissez un fichier.",
        "Primero pegue un texto o elija un archivo.",
    ),
    "own.too_large": (
        "It has {size} KB; at most {most} KB are read.",
        "Sie hat {size} KB; höchstens {most} KB werden gelesen.",
        "Il fait {size} Ko ; {most} Ko au plus sont lus.",
        "Tiene {size} KB; se leen {most} KB como máximo.",
    ),
    "own.too_long": (
        "It has {size} characters; at most {most} are read.",
        "Sie hat {size} Zeichen; höchstens {most} werden gelesen.",
        "Il a {size} caractères ; {most} au plus sont lus.",
        "Tiene {size} caracteres; se leen {most} como máximo.",
    ),
    "own.not_added": ("Not added:", "Nicht aufgenommen:", "Non ajoutée :", "No añadida:"),
    "own.unreachable": (
        "The service did not answer. Try again.",
        "Der Dienst hat nicht geantwortet. Bitte noch einmal versuchen.",
        "Le service n’a pas répondu. Réessayez.",
        "El servicio no ha respondido. Inténtelo de nuevo.",
    ),
    "own.dropped": (
        "The oldest of your policies made room for it.",
        "Die älteste Ihrer Erklärungen hat ihr Platz gemacht.",
        "La plus ancienne de vos politiques lui a laissé sa place.",
        "La más antigua de sus políticas le ha dejado sitio.",
    ),
}
_FEEDBACK: Final[dict[str, tuple[str, ...]]] = {
    "feedback.ask": ("Was this right?", "War das richtig?", "Était-ce juste ?", "¿Es correcto?"),
    "feedback.up": ("Yes, it was right", "Ja, es war richtig", "Oui, c’était juste", "Sí, es correcto"),
    "feedback.down": ("No, it was wrong", "Nein, es war falsch", "Non, c’était faux", "No, es incorrecto"),
    "feedback.kept": (
        "Thank you. Kept: your verdict, which answer it was, and the day. Nothing that you typed.",
        "Danke. Gespeichert: Ihr Urteil, welche Antwort es war, und der Tag. Nichts, was Sie geschrieben haben.",
        "Merci. Conservés : votre avis, la réponse concernée et le jour. Rien de ce que vous avez écrit.",
        "Gracias. Se guarda: su opinión, qué respuesta era y el día. Nada de lo que ha escrito.",
    ),
    "feedback.kept_text": (
        "Thank you. Your question and your comment are kept, too.",
        "Danke. Ihre Frage und Ihr Kommentar sind auch gespeichert.",
        "Merci. Votre question et votre commentaire sont aussi conservés.",
        "Gracias. También se guardan su pregunta y su comentario.",
    ),
    "feedback.failed": (
        "That could not be kept.",
        "Das konnte nicht gespeichert werden.",
        "Cela n’a pas pu être conservé.",
        "No se ha podido guardar.",
    ),
    "feedback.more": (
        "What was wrong? (if you like)",
        "Was war falsch? (freiwillig)",
        "Qu’est-ce qui était faux ? (facultatif)",
        "¿Qué era incorrecto? (opcional)",
    ),
    "feedback.wrong_verdict": (
        "The answer says something else than the policy",
        "Die Antwort sagt etwas anderes als die Erklärung",
        "La réponse dit autre chose que la politique",
        "La respuesta dice algo distinto de la política",
    ),
    "feedback.missed": (
        "The policy says more about it",
        "Die Erklärung sagt mehr dazu",
        "La politique en dit davantage",
        "La política dice más al respecto",
    ),
    "feedback.unclear": (
        "I do not understand the answer",
        "Ich verstehe die Antwort nicht",
        "Je ne comprends pas la réponse",
        "No entiendo la respuesta",
    ),
    "feedback.other": ("Something else", "Etwas anderes", "Autre chose", "Otra cosa"),
    "feedback.wrong_quote": (
        "This quote is wrong:",
        "Dieses Zitat ist falsch:",
        "Cette citation est fausse :",
        "Esta cita es incorrecta:",
    ),
    "feedback.consent": (
        "Also keep my question, so that it can be fixed",
        "Auch meine Frage speichern, damit es verbessert werden kann",
        "Conserver aussi ma question, pour que cela soit corrigé",
        "Guardar también mi pregunta, para que se pueda corregir",
    ),
    "feedback.promise": (
        "Kept then, in plain text and for whoever runs this service: this question, up to six earlier ones of this "
        "conversation, and your comment. No name, no address, no time of day.",
        "Gespeichert werden dann, im Klartext und für den Betreiber dieses Dienstes: diese Frage, bis zu sechs frühere "
        "dieses Gesprächs und Ihr Kommentar. Kein Name, keine Adresse, keine Uhrzeit.",
        "Sont alors conservés, en clair et pour qui gère ce service : cette question, jusqu’à six questions "
        "précédentes de cette conversation et votre commentaire. Ni nom, ni adresse, ni heure.",
        "Se guardan entonces, en texto legible y para quien gestiona este servicio: esta pregunta, hasta seis "
        "anteriores de esta conversación y su comentario. Ni nombre, ni dirección, ni hora.",
    ),
    "feedback.comment": ("Comment", "Kommentar", "Commentaire", "Comentario"),
    "feedback.send": ("Send", "Senden", "Envoyer", "Enviar"),
    "feedback.close": ("Close", "Schließen", "Fermer", "Cerrar"),
}
_COMPARE: Final[dict[str, tuple[str, ...]]] = {
    "compare.intro": (
        "Ask the same of several policies. Each is searched for itself, and its own words prove its answer.",
        "Dieselbe Frage an mehrere Erklärungen. Jede wird für sich durchsucht und mit ihren eigenen Worten belegt.",
        "La même question à plusieurs politiques. Chacune est lue séparément, ses propres mots prouvent la réponse.",
        "La misma pregunta a varias políticas. Cada una se busca por separado y sus propias palabras la prueban.",
    ),
    "compare.policies": (
        "Policies to compare", "Zu vergleichende Erklärungen", "Politiques à comparer", "Políticas que comparar",
    ),
    "compare.find": (
        "Type part of a company or domain", "Teil einer Firma oder Domain eingeben",
        "Une partie du nom ou du domaine", "Escriba parte de la empresa o del dominio",
    ),
    "compare.all": ("Choose all {n}", "Alle {n} wählen", "Choisir les {n}", "Elegir las {n}"),
    "compare.what": ("What to compare", "Was verglichen wird", "Que comparer", "Qué comparar"),
    "compare.one": ("One question", "Eine Frage", "Une question", "Una pregunta"),
    "compare.glance": (
        "At a glance: the usual topics", "Auf einen Blick: die üblichen Themen",
        "En bref : les thèmes habituels", "De un vistazo: los temas habituales",
    ),
    "compare.question": ("Question", "Frage", "Question", "Pregunta"),
    "compare.example": (
        "e.g. Do you sell my personal information?", "z. B. Do you sell my personal information?",
        "p. ex. Do you sell my personal information?", "p. ej. Do you sell my personal information?",
    ),
    "compare.go": ("Compare", "Vergleichen", "Comparer", "Comparar"),
    "compare.stop": ("Stop", "Anhalten", "Arrêter", "Detener"),
    "compare.say_few": (
        "Choose at least two policies.", "Wählen Sie mindestens zwei Erklärungen.",
        "Choisissez au moins deux politiques.", "Elija al menos dos políticas.",
    ),
    "compare.say_full": (
        "{n} are chosen; no more can be compared at once.", "{n} sind gewählt; mehr lassen sich nicht vergleichen.",
        "{n} sont choisies ; on ne peut pas en comparer plus.", "Hay {n} elegidas; no se pueden comparar más.",
    ),
    "compare.say_unknown": (
        "Not among the policies: {names}.", "Nicht unter den Erklärungen: {names}.",
        "Absents des politiques : {names}.", "No están entre las políticas: {names}.",
    ),
    "compare.say_empty": (
        "Type a question.", "Geben Sie eine Frage ein.", "Saisissez une question.", "Escriba una pregunta.",
    ),
    "compare.company": ("Company", "Firma", "Entreprise", "Empresa"),
    "compare.date": ("Policy as of", "Stand", "Politique du", "Política del"),
    "compare.waiting": ("waiting", "wartet", "en attente", "en espera"),
    "compare.unasked": ("not asked", "nicht gefragt", "non demandé", "sin preguntar"),
    "compare.progress": ("{done} of {all}", "{done} von {all}", "{done} sur {all}", "{done} de {all}"),
    "compare.is_yes": ("Yes", "Ja", "Oui", "Sí"),
    "compare.is_no": ("No", "Nein", "Non", "No"),
    "compare.is_conditional": ("It depends", "Kommt darauf an", "Cela dépend", "Depende"),
    "compare.is_not_stated": ("Does not say", "Steht nicht darin", "Ne le dit pas", "No lo dice"),
    "compare.is_answered": ("It says", "Steht darin", "C’est dit", "Lo dice"),
    "compare.is_unclear": ("Unclear", "Unklar", "Pas clair", "No está claro"),
    "compare.is_failed": ("Failed", "Gescheitert", "Échec", "Falló"),
    "compare.n_yes": ("{n} yes", "{n} ja", "{n} oui", "{n} sí"),
    "compare.n_conditional": (
        "{n} only in some cases", "{n} nur in manchen Fällen",
        "{n} seulement dans certains cas", "{n} solo en algunos casos",
    ),
    "compare.n_no": ("{n} no", "{n} nein", "{n} non", "{n} no"),
    "compare.n_answered": ("{n} answered", "{n} beantwortet", "{n} avec réponse", "{n} con respuesta"),
    "compare.n_not_stated": ("{n} do not say", "{n} sagen nichts", "{n} non précisé", "{n} no lo dicen"),
    "compare.n_unclear": ("{n} unclear", "{n} unklar", "{n} pas clairs", "{n} sin claridad"),
    "compare.n_failed": ("{n} failed", "{n} gescheitert", "{n} en échec", "{n} fallidas"),
    "compare.differs": ("Only what differs", "Nur Unterschiede", "Seulement les différences", "Solo las diferencias"),
    "compare.differs_rows": (
        "Hides the policies that give the most common answer.",
        "Blendet die Erklärungen mit der häufigsten Antwort aus.",
        "Masque les politiques qui donnent la réponse la plus courante.",
        "Oculta las políticas que dan la respuesta más común.",
    ),
    "compare.differs_columns": (
        "Hides the topics on which all these policies agree.",
        "Blendet die Themen aus, bei denen alle übereinstimmen.",
        "Masque les thèmes sur lesquels toutes s’accordent.",
        "Oculta los temas en los que todas coinciden.",
    ),
    "compare.differs_tie": (
        "No answer is the most common, so nothing is hidden.",
        "Keine Antwort ist die häufigste, darum ist nichts ausgeblendet.",
        "Aucune réponse n’est la plus courante : rien n’est masqué.",
        "Ninguna respuesta es la más común: no se oculta nada.",
    ),
    "compare.hidden": ("Hidden: {n}.", "Ausgeblendet: {n}.", "Masqué : {n}.", "Ocultos: {n}."),
    "compare.csv": ("Download CSV", "Als CSV laden", "Télécharger CSV", "Descargar CSV"),
    "compare.markdown": ("Download Markdown", "Als Markdown laden", "Télécharger Markdown", "Descargar Markdown"),
    "compare.copied": (
        "Copied. The link holds the policies and your question.",
        "Kopiert. Der Link enthält die Erklärungen und Ihre Frage.",
        "Copié. Le lien contient les politiques et votre question.",
        "Copiado. El enlace contiene las políticas y su pregunta.",
    ),
    "compare.print": ("Print", "Drucken", "Imprimer", "Imprimir"),
    "compare.proof": ("show the proof", "Beleg zeigen", "voir la preuve", "ver la prueba"),
    "compare.why": ("show why", "Grund zeigen", "voir pourquoi", "ver por qué"),
    "compare.close": ("Close", "Schließen", "Fermer", "Cerrar"),
    "compare.silent": (
        "The policy does not say. That is not a no.", "Die Erklärung sagt dazu nichts. Das ist kein Nein.",
        "La politique ne le dit pas. Ce n’est pas un non.", "La política no lo dice. Eso no es un no.",
    ),
    "compare.archived": (
        "See it in the archived page", "Auf der archivierten Seite ansehen",
        "Voir dans la page archivée", "Ver en la página archivada",
    ),
    "compare.ask": ("Open in Ask", "In „Fragen“ öffnen", "Ouvrir dans Demander", "Abrir en Preguntar"),
    "compare.result": ("Comparison", "Vergleich", "Comparaison", "Comparación"),
}  # fmt: skip
_LOOKBACK: Final = {
    "lookback.title": ("Look back", "Rückblick", "Historique", "Historial"),
    "lookback.lead": (
        "What a site's policy said then, what it says now, sentence by sentence.",
        "Was die Erklärung einer Website früher sagte und was sie heute sagt, Satz für Satz.",
        "Ce que disait la politique d’un site, ce qu’elle dit maintenant, phrase par phrase.",
        "Lo que decía la política de un sitio y lo que dice ahora, frase por frase.",
    ),
    "lookback.site": ("Site", "Website", "Site", "Sitio"),
    "lookback.choose": (
        "Type a site with several versions", "Website mit mehreren Fassungen eingeben",
        "Saisir un site ayant plusieurs versions", "Escriba un sitio con varias versiones",
    ),
    "lookback.offered": (
        "Sites with several versions", "Websites mit mehreren Fassungen",
        "Sites ayant plusieurs versions", "Sitios con varias versiones",
    ),
    "lookback.none": (
        "No site has several versions here. Read in another version of a policy, and what changed is shown.",
        "Keine Website hat hier mehrere Fassungen. Lesen Sie eine weitere ein, dann zeigt sich, was sich änderte.",
        "Aucun site n’a ici plusieurs versions. Ajoutez une autre version d’une politique pour voir ce qui a changé.",
        "Ningún sitio tiene aquí varias versiones. Añada otra versión de una política y se verá qué cambió.",
    ),
    "lookback.alone": (
        "Only one version of this policy is here, so nothing can be compared.",
        "Von dieser Erklärung gibt es hier nur eine Fassung, also nichts zu vergleichen.",
        "Il n’y a ici qu’une version de cette politique : rien à comparer.",
        "Aquí solo hay una versión de esta política: no hay nada que comparar.",
    ),
    "lookback.versions": ("{n} versions", "{n} Fassungen", "{n} versions", "{n} versiones"),
    "lookback.timeline": (
        "Which two versions", "Welche beiden Fassungen", "Quelles deux versions", "Qué dos versiones",
    ),
    "lookback.earlier": ("Earlier", "Früher", "Avant", "Antes"),
    "lookback.later": ("Later", "Später", "Après", "Después"),
    "lookback.gaps": (
        "Only these archived versions are known, not what was between them.",
        "Bekannt sind nur diese archivierten Fassungen, nicht, was dazwischen galt.",
        "Seules ces versions archivées sont connues, pas ce qu’il y avait entre elles.",
        "Solo se conocen estas versiones archivadas, no lo que hubo entre ellas.",
    ),
    "lookback.about": ("Only changes about", "Nur Änderungen zu", "Seulement sur", "Solo cambios sobre"),
    "lookback.topic": ("e.g. cookies", "z. B. cookies", "p. ex. cookies", "p. ej. cookies"),
    "lookback.topics": ("Topics", "Themen", "Sujets", "Temas"),
    "lookback.show": ("Show", "Zeigen", "Afficher", "Mostrar"),
    "lookback.everything": ("Everything", "Alles", "Tout", "Todo"),
    "lookback.selling": ("Selling", "Verkauf", "Vente", "Venta"),
    "lookback.sharing": ("Sharing", "Weitergabe", "Partage", "Cesión"),
    "lookback.cookies": ("Cookies", "Cookies", "Cookies", "Cookies"),
    "lookback.advertising": ("Advertising", "Werbung", "Publicité", "Publicidad"),
    "lookback.children": ("Children", "Kinder", "Enfants", "Menores"),
    "lookback.location": ("Location", "Standort", "Localisation", "Ubicación"),
    "lookback.security": ("Security", "Sicherheit", "Sécurité", "Seguridad"),
    "lookback.retention": ("How long", "Dauer", "Durée", "Cuánto tiempo"),
    "lookback.deletion": ("Deletion", "Löschen", "Suppression", "Borrado"),
    "lookback.law enforcement": ("Police", "Polizei", "Police", "Policía"),
    "lookback.reworded": ("Reworded", "Anders gesagt", "Reformulé", "Reformulado"),
    "lookback.added": ("Added", "Neu", "Ajouté", "Añadido"),
    "lookback.removed": ("Removed", "Weggefallen", "Supprimé", "Eliminado"),
    "lookback.moved": ("Moved", "Verschoben", "Déplacé", "Movido"),
    "lookback.n_reworded": ("{n} reworded", "{n} anders gesagt", "{n} reformulées", "{n} reformuladas"),
    "lookback.n_added": ("{n} added", "{n} neu", "{n} ajoutées", "{n} añadidas"),
    "lookback.n_removed": ("{n} removed", "{n} weggefallen", "{n} supprimées", "{n} eliminadas"),
    "lookback.n_moved": ("{n} moved", "{n} verschoben", "{n} déplacées", "{n} movidas"),
    "lookback.n_unchanged": ("{n} unchanged", "{n} unverändert", "{n} inchangées", "{n} sin cambios"),
    "lookback.in_words": ("Sentences:", "Sätze:", "Phrases :", "Frases:"),
    "lookback.then": ("Then", "Damals", "Avant", "Entonces"),
    "lookback.now": ("Now", "Jetzt", "Maintenant", "Ahora"),
    "lookback.not_yet": ("Not there yet", "Stand noch nicht da", "N’y figurait pas", "Aún no estaba"),
    "lookback.gone": ("No longer there", "Steht nicht mehr da", "N’y figure plus", "Ya no está"),
    "lookback.same": (
        "Nothing changed between these versions but punctuation and layout.",
        "Zwischen diesen Fassungen änderte sich nichts außer Zeichensetzung und Gestaltung.",
        "Rien n’a changé entre ces versions, sauf la ponctuation et la mise en page.",
        "Entre estas versiones solo cambiaron la puntuación y el formato.",
    ),
    "lookback.same_topic": (
        "What both versions say about this did not change.", "Was beide Fassungen dazu sagen, änderte sich nicht.",
        "Ce que les deux versions en disent n’a pas changé.", "Lo que dicen ambas versiones sobre esto no cambió.",
    ),
    "lookback.no_topic": (
        "Neither version has a sentence about this. That is not a no.",
        "Keine der Fassungen hat einen Satz dazu. Das ist kein Nein.",
        "Aucune des versions n’a de phrase à ce sujet. Ce n’est pas un non.",
        "Ninguna versión tiene una frase sobre esto. Eso no es un no.",
    ),
    "lookback.more": ("Show {n} more changes", "{n} weitere Änderungen zeigen", "Afficher {n} autres changements",
                      "Mostrar {n} cambios más"),
    "lookback.elsewhere": ("No section", "Ohne Abschnitt", "Hors section", "Sin sección"),
    "lookback.archived": (
        "See it in the archived page", "Auf der archivierten Seite ansehen",
        "Voir dans la page archivée", "Ver en la página archivada",
    ),
    "lookback.json": ("Download as JSON", "Als JSON laden", "Télécharger en JSON", "Descargar JSON"),
    "lookback.inserted": ("added:", "neu:", "ajouté :", "añadido:"),
    "lookback.deleted": ("removed:", "weggefallen:", "supprimé :", "eliminado:"),
    "lookback.changes": ("What changed", "Was sich änderte", "Ce qui a changé", "Lo que cambió"),
    "lookback.open": (
        "See every change side by side", "Alle Änderungen nebeneinander sehen",
        "Voir tous les changements côte à côte", "Ver todos los cambios lado a lado",
    ),
    "lookback.failed": (
        "This could not be loaded. Check the connection and choose again.",
        "Das konnte nicht geladen werden. Verbindung prüfen und noch einmal wählen.",
        "Chargement impossible. Vérifiez la connexion et choisissez à nouveau.",
        "No se pudo cargar. Compruebe la conexión y elija de nuevo.",
    ),
}  # fmt: skip

WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        key: MappingProxyType(dict(zip(LANGUAGES, words, strict=True)))
        for block in (_SHELL, _PAGE, _ABOUT, _CHAT, _PROOF, _PICKER, _LABEL, _OWN, _FEEDBACK, _COMPARE, _LOOKBACK)
        for key, words in block.items()
    }
)


def said(key: str, **values: str | int) -> str:
    """The words of a key as HTML, in English, with the key for the page's script.

    Args:
        key: a key of ``WORDS``.
        values: what stands in the place of ``{name}``.

    Raises:
        KeyError: there is no such key, or a value is missing.
    """
    words = WORDS[key]["en"].format_map(values)
    data = f' data-t-values="{escape(json.dumps(values))}"' if values else ""
    return f'<span data-t="{key}"{data}>{escape(words)}</span>'


def said_as(attribute: str, key: str) -> str:
    """The words of a key as an attribute, e.g. ``aria-label``, in English, with the key for the page's script.

    Raises:
        KeyError: there is no such key.
    """
    return f'{attribute}="{escape(WORDS[key]["en"])}" data-t-{attribute}="{key}"'


def label(key: str) -> I18nData:
    """The words of a key for a Gradio component: in the reader's language when the page is loaded.

    Raises:
        KeyError: there is no such key.
    """
    from gradio.i18n import I18nData

    _ = WORDS[key]
    return I18nData(key)


def page_words() -> I18n:
    """All words, for Gradio's labels and for the page's script, which takes them from Gradio's configuration."""
    from gradio.i18n import I18n

    return I18n(**{language: {key: words[language] for key, words in WORDS.items()} for language in LANGUAGES})
