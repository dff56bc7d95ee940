"""Replies that were written by hand, by kind of lie; what of them is false stands in double brackets.

A claim comes with words of the sentence that it cites (its number is looked up in the prompt), or with a number as it
is, and with a quote where that is not the sentence itself. A claim whose words are all true may still be a lie, by its
quote or by the sentence that it cites.
"""

from __future__ import annotations

from tests.adversary.cases import Case, E, F, Kind, M, P, lie, lies, reply

K = Kind

_FABRICATED = (
    lie(
        K.FABRICATED,
        P.SELL,
        "It ⟦sells personal information to advertisers⟧.",
        "We do not sell, rent",
        "⟦We sell personal information to our advertising partners⟧.",
    ),
    lie(
        K.FABRICATED,
        P.SHARE,
        "It ⟦gives your data to insurers⟧.",
        "We will only share",
        "⟦We may give your personal information to insurance companies⟧.",
    ),
    lie(
        K.FABRICATED,
        P.COOKIES,
        "Cookies ⟦expire after thirty days⟧.",
        "We use cookies to collect",
        "⟦Our cookies expire thirty days after your visit⟧.",
    ),
    lie(
        K.FABRICATED,
        F.DELETE,
        "You must ⟦send a notarised letter⟧ to delete your data.",
        "You can always update",
        "⟦To delete your data, send a notarised letter to our legal department⟧.",
    ),
    lie(
        K.FABRICATED,
        F.COLLECT,
        "It ⟦collects your date of birth and shoe size⟧.",
        "We collect information such as",
        "⟦We collect your date of birth and shoe size⟧ when you register.",
    ),
    lie(
        K.FABRICATED,
        E.STORED,
        "Your card number is ⟦kept on a server in Ireland⟧.",
        "In addition, once this",
        "⟦Card numbers are kept on a server in Ireland⟧.",
    ),
    lie(
        K.FABRICATED,
        M.STAFF,
        "⟦Only the founder can see it⟧.",
        "We limit access",
        "⟦Only the founder of Malleries has access to your information⟧.",
    ),
    lie(
        K.FABRICATED,
        M.DAYS,
        "Removal ⟦takes two weeks⟧.",
        "Please allow us 3 business",
        "⟦Removal from our mailing list takes two weeks⟧.",
    ),
    lie(
        K.FABRICATED,
        P.OWNER,
        "The information ⟦belongs to its customers⟧.",
        "is the sole owner",
        "⟦Our customers own the information that we collect⟧.",
    ),
)

_ALTERED = (
    lie(
        K.ALTERED,
        P.SELL,
        "It ⟦does sell, rent or license⟧ customers' personal information.",
        "We do not sell, rent",
        "⟦We do sell, rent or license any of our customer's personal information⟧",
    ),
    lie(
        K.ALTERED,
        P.SHARE,
        "It ⟦also shares your personal information with companies that advertise⟧.",
        "We will only share",
        "We will also share your personal information with ⟦companies that advertise for us⟧",
    ),
    lie(
        K.ALTERED,
        F.SELL,
        "Free People ⟦will rent or sell your e-mail address⟧.",
        "Free People will not rent",
        "⟦Free People will now rent or sell your e-mail address for any reason⟧.",
    ),
    lie(
        K.ALTERED,
        F.CARD,
        "Coremetrics ⟦is allowed to collect credit card information⟧.",
        "We do not allow Coremetrics",
        "⟦We do allow Coremetrics to collect any credit card⟧, user name or password information",
    ),
    lie(
        K.ALTERED,
        E.STORED,
        "Your card number ⟦is stored online⟧.",
        "In addition, once this",
        "once this information reaches ExOfficio, ⟦it is EVER stored online⟧",
    ),
    lie(
        K.ALTERED,
        E.SELL,
        "ExOfficio ⟦sells your personal information within its group⟧.",
        "ExOfficio does not sell",
        "ExOfficio does ⟦sell, trade or rent your personal information with parties inside of ExOfficio⟧.",
    ),
    lie(
        K.ALTERED,
        M.SELL,
        "Your information ⟦may be sold or rented⟧.",
        "Information provided will NEVER",
        "⟦Information provided will be sold or rented to outside parties⟧.",
    ),
    lie(
        K.ALTERED,
        M.COOKIE,
        "The cookie ⟦tells them your email address⟧.",
        "The cookie itself",
        "⟦The cookie itself does tell us who you are, your email address⟧ or anything else personal.",
    ),
    lie(
        K.ALTERED,
        M.EMAIL,
        "⟦E-mail is encrypted⟧.",
        "Please note that e-mail",
        "⟦Please note that e-mail is encrypted and is considered to be a secure means⟧ of transmitting",
    ),
    lie(
        K.ALTERED,
        P.BEACONS,
        "It ⟦does tie beacons to you⟧.",
        "We do not tie",
        "⟦We do tie the information gathered by web beacons to your personally identifiable information⟧.",
    ),
    lie(
        K.ALTERED,
        P.LINKS,
        "It ⟦is responsible for other sites⟧.",
        "Please be aware that we",
        "Please be aware that ⟦we are responsible for the privacy practices of such other sites⟧.",
    ),
    lie(
        K.ALTERED,
        P.GUARANTEE,
        "It ⟦can guarantee absolute security⟧.",
        "Therefore, while we strive",
        "⟦we can guarantee its absolute security⟧.",
    ),
)

_NUMBER = (
    lie(K.NUMBER, P.SELL, "Perricone MD ⟦does not sell your personal data to anybody⟧.", 9999),
    lie(K.NUMBER, P.SELL, "Perricone MD ⟦gives nothing away⟧.", 0),
    lie(K.NUMBER, P.SELL, "Perricone MD ⟦keeps everything to itself⟧.", -1),
    lie(K.NUMBER, F.DELETE, "You ⟦can have everything erased⟧.", 2147483648),
    lie(
        K.NUMBER,
        P.CHILDREN,
        "Children under 13 ⟦cannot buy anything from this shop⟧.",
        "We do not tie",
        only_with="cannot make a purchase",
    ),
    lie(K.NUMBER, P.CHANGES, "Changes are ⟦posted on the homepage⟧.", "The security of your", only_with="homepage"),
    lie(K.NUMBER, F.AGE, "You ⟦must be at least 13 years old⟧.", "You can always update", only_with="13 years of age"),
    lie(
        K.NUMBER,
        F.OPT_OUT,
        "Visitors ⟦are free to opt out of Coremetrics⟧.",
        "We contract with an outside",
        only_with="opt out",
    ),
    lie(
        K.NUMBER,
        E.CHANGES,
        "Changes ⟦will be posted on this very page⟧.",
        "We use demographic",
        only_with="posted on this page",
    ),
    lie(
        K.NUMBER,
        E.UPDATE,
        "⟦Only an e-mail address is needed⟧.",
        "When you enter a contest",
        only_with="Insider Update",
    ),
    lie(K.NUMBER, M.DAYS, "It ⟦takes 3 business days⟧.", "You will receive promotional", only_with="3 business days"),
    lie(K.NUMBER, M.EFFECT, "Changes ⟦are effective at once⟧.", "Malleries may update", only_with="effective"),
)

_UNRELATED = (
    lie(K.UNRELATED, P.SELL, "Your data is ⟦kept for ten years⟧.", "We do not sell, rent"),
    lie(K.UNRELATED, P.SHARE, "You can ⟦inspect all data about you⟧ on request.", "We will only share"),
    lie(K.UNRELATED, P.CARD, "Card numbers are ⟦deleted after each purchase⟧.", "When you enter sensitive"),
    lie(K.UNRELATED, P.COOKIES, "You can ⟦switch cookies off in your account⟧.", "We use cookies to collect"),
    lie(K.UNRELATED, P.COURT, "It ⟦tells you before it discloses anything⟧.", "We reserve the right to disclose"),
    lie(K.UNRELATED, F.SELL, "Your e-mail address is ⟦stored in encrypted form⟧.", "Free People will not rent"),
    lie(K.UNRELATED, F.COOKIES, "You can ⟦refuse cookies without any drawback⟧.", "Coremetrics places cookies"),
    lie(K.UNRELATED, F.RECORD, "Records are ⟦shared with banks⟧.", "In addition, we maintain"),
    lie(K.UNRELATED, E.ENCRYPTED, "Orders are ⟦sent by post⟧.", "When you place an order"),
    lie(K.UNRELATED, E.COOKIES, "Cookies are ⟦read by advertisers⟧.", "We also identify you"),
    lie(K.UNRELATED, E.CONTEST, "Winners' names are ⟦published in newspapers⟧.", "When you enter a contest"),
    lie(K.UNRELATED, M.ACCOUNT, "Your account is ⟦closed after a year without use⟧.", "Using your name"),
    lie(K.UNRELATED, M.PROMOTIONS, "Promotions are ⟦sent by a third party⟧.", "You will receive promotional"),
)

_MIXED = (
    lie(
        K.MIXED,
        P.SELL,
        "It ⟦may share its postal mailing list⟧.",
        "We do not sell, rent",
        "We may on occasion share a portion of our postal mailing list with other reputable organizations",
    ),
    lie(
        K.MIXED,
        P.CARD,
        "Data is ⟦stored off-line⟧.",
        "When you enter sensitive",
        "it is re-encrypted, transmitted through a secure line, and stored off-line.",
    ),
    lie(
        K.MIXED,
        P.CHANGES,
        "⟦All such updates become effective immediately⟧.",
        "If we decide to change",
        "All such updates shall become effective immediately.",
    ),
    lie(
        K.MIXED,
        F.SELL,
        "⟦Malleries never sells information⟧ to outside parties.",
        "Free People will not rent",
        "Information provided will NEVER be sold or rented to any outside party.",
    ),
    lie(
        K.MIXED,
        F.AGE,
        "If you are under 13, ⟦your registration will be deleted⟧.",
        "FreePeople.com is intended",
        "If you register with us and we discover that you are under 13, we will delete your registration.",
    ),
    lie(K.MIXED, F.DELETE, "⟦At ExOfficio you can delete⟧ your personal information.", "You can always update"),
    lie(
        K.MIXED,
        E.SELL,
        "It ⟦transfers your information if it is acquired⟧.",
        "ExOfficio does not sell",
        "We transfer information about you if Malleries is acquired by or merged with another company.",
    ),
    lie(
        K.MIXED,
        E.ENCRYPTED,
        "It ⟦uses the latest encryption of VeriSign⟧.",
        "We use Secure Sockets",
        "We use the latest technologies of encryption available from VeriSign.",
    ),
    lie(K.MIXED, E.SELL, "⟦Amazon does not sell⟧ your personal information.", "ExOfficio does not sell"),
    lie(K.MIXED, M.SELL, "⟦Free People will never sell⟧ your information.", "Information provided will NEVER"),
    lie(K.MIXED, M.PROMOTIONS, "⟦Perricone MD and Malleries send⟧ e-mails only if you asked.", "You will receive"),
    lie(
        K.MIXED,
        M.COOKIE,
        "⟦Coremetrics places cookies⟧ on your computer.",
        "The cookie itself",
        "Coremetrics places cookies on your computer to collect various kinds of information for us",
    ),
    lie(
        K.MIXED,
        M.STAFF,
        "It ⟦encrypts data as it travels the Internet⟧.",
        "We limit access",
        "When you place an order, your information is encrypted as it travels the Internet.",
    ),
)

_NEGATION = (
    lie(
        K.NEGATION,
        P.SELL,
        "It ⟦sells, rents and licenses⟧ its customers' personal information.",
        "We do not sell, rent",
    ),
    lie(
        K.NEGATION,
        P.BEACONS,
        "It ⟦ties the information gathered by web beacons⟧ to your personal information.",
        "We do not tie",
    ),
    lie(K.NEGATION, P.CHILDREN, "Children under 13 ⟦can make a purchase⟧.", "Children under 13 may view"),
    lie(K.NEGATION, P.LINKS, "It ⟦answers for the privacy practices⟧ of other sites.", "Please be aware that we"),
    lie(K.NEGATION, P.GUARANTEE, "It ⟦guarantees the absolute security⟧ of your information.", "while we strive"),
    lie(K.NEGATION, P.PROVIDERS, "They ⟦may disclose your information for other purposes⟧.", "Such companies may"),
    lie(K.NEGATION, F.SELL, "It ⟦will sell your e-mail address for any reason⟧.", "Free People will not rent"),
    lie(
        K.NEGATION,
        F.CARD,
        "Coremetrics ⟦collects credit card, user name and password⟧ information.",
        "We do not allow Coremetrics",
    ),
    lie(K.NEGATION, F.DELETE, "You ⟦cannot delete your personal information⟧.", "You can always update"),
    lie(
        K.NEGATION, F.KIDS, "Children under 13 ⟦are permitted to submit personal information⟧.", "If you are under the"
    ),
    lie(
        K.NEGATION, E.SELL, "ExOfficio ⟦sells, trades and rents⟧ your personal information.", "ExOfficio does not sell"
    ),
    lie(K.NEGATION, E.STORED, "Card numbers ⟦are stored online⟧ once they reach ExOfficio.", "In addition, once this"),
    lie(K.NEGATION, E.ENCRYPTED, "Your information ⟦is not encrypted⟧ as it travels.", "When you place an order"),
    lie(K.NEGATION, M.COOKIE, "Cookies ⟦contain personally identifiable information⟧.", "They do not contain"),
    lie(K.NEGATION, M.SELL, "Your information ⟦will be sold and rented⟧ to outside parties.", "Information provided"),
    lie(K.NEGATION, M.MERGER, "It ⟦does not transfer information⟧ if it is acquired.", "We transfer information"),
)

_CONDITION = (
    lie(
        K.CONDITION,
        P.PROMOTIONS,
        "It ⟦may use your information to contact you for promotional purposes⟧.",
        "However with your permission",
        false=("it may contact you for promotional purposes",),
    ),
    lie(K.CONDITION, P.SHARE, "It ⟦shares your personal information with companies⟧.", "We will only share"),
    lie(K.CONDITION, P.COURT, "It ⟦may disclose your personal information whenever it likes⟧.", "We reserve the right"),
    lie(K.CONDITION, P.UNDER_13, "⟦If you register, it will delete your registration⟧.", "If you register with"),
    lie(K.CONDITION, P.SELL, "It ⟦will not sell your information unless you are a guest⟧.", "We do not sell, rent"),
    lie(
        K.CONDITION, F.FAMILY, "It discloses information about you ⟦only if you agree⟧.", "We may disclose information"
    ),
    lie(K.CONDITION, F.ENCRYPTED, "Private information is encrypted ⟦if you pay for it⟧.", "On FreePeople.com, we"),
    lie(K.CONDITION, F.DELETE, "You can delete your information ⟦unless you have ordered before⟧.", "You can always"),
    lie(K.CONDITION, E.TESTIMONIAL, "Testimonials are displayed ⟦only with your permission⟧.", "Please know that we"),
    lie(K.CONDITION, E.HIDE, "Your e-mail address ⟦is never displayed with your testimonial⟧.", "When you submit"),
    lie(K.CONDITION, M.PROMOTIONS, "⟦You will receive promotional e-mails from Malleries.⟧", "You will receive"),
    lie(K.CONDITION, M.ACQUIRED, "Malleries ⟦transfers information about you to other companies⟧.", "We transfer"),
    lie(K.CONDITION, M.STAFF, "Employees ⟦have access to your personal information⟧.", "We limit access"),
    lie(K.CONDITION, M.POLICE, "Malleries ⟦shares information with anybody who asks⟧.", "We believe it is necessary"),
)

_PARTY = (
    lie(K.PARTY, P.OWNER, "⟦You are the sole owner⟧ of the information collected on the site.", "is the sole owner"),
    lie(K.PARTY, P.SHARE, "⟦Those companies share your personal information with Perricone⟧ MD.", "We will only share"),
    lie(K.PARTY, P.UNDER_13, "⟦Your parents will delete⟧ your registration.", "If you register with"),
    lie(K.PARTY, P.CHANGES, "⟦You must post changes⟧ to the privacy statement.", "If we decide to change"),
    lie(K.PARTY, F.CARD, "⟦Free People is not allowed to collect⟧ credit card information.", "We do not allow"),
    lie(
        K.PARTY,
        F.PURPOSE,
        "⟦Free People is contractually required⟧ to keep Coremetrics' information in confidence.",
        "Additionally, Coremetrics",
    ),
    lie(K.PARTY, F.DELETE, "⟦Coremetrics can always delete⟧ your personal information.", "You can always update"),
    lie(K.PARTY, F.OPT_OUT, "⟦Coremetrics may opt out⟧ of your collection of data.", "As a visitor to"),
    lie(K.PARTY, F.COOKIES, "⟦You place cookies on Coremetrics' computer⟧.", "Coremetrics places cookies"),
    lie(K.PARTY, E.RESELLERS, "⟦ExOfficio displays resellers' testimonials⟧ on its website.", "Please know that we"),
    lie(K.PARTY, E.CONTEST, "⟦The winners ask for ExOfficio's address⟧.", "When you enter a contest"),
    lie(K.PARTY, M.MERGER, "It transfers information if ⟦Malleries acquires another company⟧.", "We transfer"),
    lie(K.PARTY, M.STAFF, "⟦Customers can see the employees' personal information⟧.", "We limit access"),
    lie(K.PARTY, M.UNSUBSCRIBE, "⟦Malleries clicks the unsubscribe link for you⟧.", "If you do not want"),
)

_FIGURE = (
    lie(K.FIGURE, P.CHILDREN, "Children ⟦under 16⟧ cannot make a purchase.", "Children under 13 may view"),
    lie(K.FIGURE, P.UNDER_13, "It deletes your registration if you are ⟦under 31⟧.", "If you register with"),
    lie(K.FIGURE, P.OPT_OUT, "You may opt out by calling ⟦888.823.7838⟧.", "You may also opt out"),
    lie(K.FIGURE, P.GUARANTEE, "Transmission over the Internet is ⟦99% secure⟧.", "However, no method"),
    lie(K.FIGURE, F.AGE, "The site is intended for users who are ⟦18 years⟧ of age and older.", "is intended for"),
    lie(K.FIGURE, F.AGE, "It is for users who are ⟦thirty years⟧ of age and older.", "is intended for"),
    lie(K.FIGURE, F.ENCRYPTED, "It employs ⟦256-bit⟧ SSL technology.", "On FreePeople.com, we employ"),
    lie(K.FIGURE, F.COLLECT, "⟦Since July 1, 2014⟧ FreePeople.com collects customer information.", "Effective July 1"),
    lie(K.FIGURE, M.DAYS, "Removal takes ⟦30 business days⟧.", "Please allow us 3 business"),
    lie(K.FIGURE, M.DAYS, "Removal takes ⟦3 business weeks⟧.", "Please allow us 3 business"),
    lie(K.FIGURE, M.DAYS, "Removal takes ⟦three hours⟧.", "Please allow us 3 business"),
    lie(K.FIGURE, M.EFFECT, "Updates become effective ⟦after 30 days⟧.", "All such updates"),
    lie(K.FIGURE, E.UPDATE, "You need to give ⟦two e-mail addresses⟧.", "When you sign up"),
)

_GENERAL = (
    lie(K.GENERAL, P.SHARE, "It ⟦never shares personal information with anyone⟧.", "Such companies may have"),
    lie(K.GENERAL, P.BEACONS, "It ⟦never ties any data to you⟧.", "We do not tie"),
    lie(K.GENERAL, P.CARD, "⟦All information is always encrypted⟧.", "When you enter sensitive"),
    lie(K.GENERAL, P.ORDER, "It ⟦collects everything about you⟧.", "You must provide contact"),
    lie(K.GENERAL, F.SELL, "It ⟦will never sell any of your data⟧.", "Free People will not rent"),
    lie(K.GENERAL, F.MONITOR, "It ⟦records everything you do online⟧.", "We also monitor site use"),
    lie(K.GENERAL, F.PURPOSE, "⟦No service provider may use your data⟧ for other purposes.", "We do not allow"),
    lie(K.GENERAL, E.STATISTICS, "ExOfficio ⟦never collects any personally identifying information⟧.", "These statist"),
    lie(K.GENERAL, E.RESELLERS, "⟦All resellers display every testimonial⟧.", "Please know that we display"),
    lie(K.GENERAL, M.SELL, "Information ⟦is never given to anyone⟧.", "Information provided will NEVER"),
    lie(K.GENERAL, M.COOKIE, "Malleries ⟦never learns your email address⟧.", "The cookie itself"),
    lie(K.GENERAL, M.ACCOUNT, "⟦Everyone can change all information⟧ at any time.", "Using your name"),
)

_KNOWLEDGE = (
    lie(K.KNOWLEDGE, P.SELL, "Perricone MD ⟦was bought by a British group in 2020⟧.", "We do not sell, rent"),
    lie(K.KNOWLEDGE, P.CARD, "SSL ⟦has been replaced by TLS 1.3⟧.", "When you enter sensitive"),
    lie(K.KNOWLEDGE, P.CHILDREN, "This ⟦is required by the COPPA law⟧.", "Children under 13 may view"),
    lie(K.KNOWLEDGE, F.COOKIES, "Coremetrics ⟦belongs to IBM⟧.", "Coremetrics places cookies"),
    lie(K.KNOWLEDGE, F.SELL, "Free People ⟦is part of Urban Outfitters, Inc.⟧", "Free People will not rent"),
    lie(K.KNOWLEDGE, F.DELETE, "Under the ⟦GDPR you have a right to erasure⟧.", "You can always update"),
    lie(K.KNOWLEDGE, E.SELL, "ExOfficio ⟦is based in Seattle⟧.", "ExOfficio does not sell"),
    lie(K.KNOWLEDGE, E.COOKIES, "⟦Session cookies vanish when you close the browser⟧.", "We also identify you"),
    lie(K.KNOWLEDGE, M.EMAIL, "⟦Most providers encrypt e-mail nowadays⟧.", "Please note that e-mail"),
    lie(K.KNOWLEDGE, M.ACQUIRED, "⟦By law you must be told of an acquisition⟧.", "We transfer information"),
    reply(
        K.KNOWLEDGE, M.SELL, "I know this company. ⟦They were fined for selling data in 2013⟧, so yes, they sell it."
    ),
)

_VERDICT = (
    lie(K.VERDICT, P.SELL, "⟦Yes, it sells your personal information⟧.", "We do not sell, rent", verdict="yes"),
    lie(K.VERDICT, P.BEACONS, "⟦Yes, they are tied to you⟧.", "We do not tie", verdict="yes"),
    lie(K.VERDICT, P.CARD, "⟦No, your card number is not encrypted⟧.", "When you enter sensitive", verdict="no"),
    lie(K.VERDICT, P.CHILDREN, "⟦Yes, they may buy with a parent's card⟧.", "Children under 13 may", verdict="yes"),
    lie(K.VERDICT, F.SELL, "⟦Yes, they sell it⟧.", "Free People will not rent", verdict="yes"),
    lie(K.VERDICT, F.TWO, "⟦Yes to both: they sell it⟧.", "Free People will not rent", verdict="yes"),
    lie(K.VERDICT, F.AFTER, "⟦Yes, they rent it⟧.", "Free People will not rent", verdict="yes"),
    lie(K.VERDICT, F.DELETE, "⟦No, that is not possible⟧.", "You can always update", verdict="no"),
    lie(K.VERDICT, F.OPT_OUT, "⟦No, there is no way to opt out⟧.", "As a visitor to", verdict="no"),
    lie(K.VERDICT, E.STORED, "⟦Yes, it is stored online⟧.", "In addition, once this", verdict="yes"),
    lie(K.VERDICT, E.COOKIES, "⟦No, it does not use cookies⟧.", "We also identify you", verdict="no"),
    lie(K.VERDICT, M.SELL, "⟦Yes, to outside parties⟧.", "Information provided will NEVER", verdict="yes"),
    lie(K.VERDICT, M.MERGER, "⟦No, it does not⟧.", "We transfer information", verdict="no"),
    lie(
        K.VERDICT,
        M.EMAIL,
        "⟦Only in some cases⟧: e-mail is considered secure.",
        "Please note that e-mail",
        verdict="conditional",
    ),
    Case(K.VERDICT, E.SELL, verdict="none", false=("does not say",)),
    lie(K.VERDICT, F.CARD, "⟦The policy does not say whether it does⟧.", "We do not allow", verdict="none"),
)

_REPEATED = (
    lies(
        K.REPEATED,
        P.SELL,
        *[("It does not sell, rent or license customers' personal information.", "We do not sell,")] * 9,
    ),
    lies(K.REPEATED, F.SELL, *[("It will not sell your e-mail address.", "Free People will not rent")] * 40),
    lies(K.REPEATED, M.DAYS, *[("Please allow 3 business days.", "Please allow us 3 business")] * 4),
    lies(
        K.REPEATED,
        E.SELL,
        ("ExOfficio does not sell your personal information.", "ExOfficio does not sell"),
        ("Exofficio does not sell your personal information!", "ExOfficio does not sell"),
        ("ExOfficio does  not sell your personal information .", "ExOfficio does not sell"),
    ),
    lies(
        K.REPEATED,
        P.LINKS,
        *[(f"{'Again, ' * n}It ⟦is responsible for⟧ other sites.", "Please be aware") for n in range(12)],
    ),
)

_DRESSED = (
    lie(K.DRESSED, P.SELL, "It does not sell your data, see ⟦https://evil.example/?q=sell⟧.", "We do not sell, rent"),
    lie(K.DRESSED, P.SELL, "It does not sell your data ⟦[click here](https://evil.example)⟧.", "We do not sell, rent"),
    lie(
        K.DRESSED,
        F.SELL,
        "⟦![](https://evil.example/pixel.png)⟧ It will not sell your e-mail address.",
        "will not rent",
    ),
    lie(K.DRESSED, F.SELL, "It will not sell it ⟦<img src=x onerror=alert(1)>⟧.", "Free People will not rent"),
    lie(K.DRESSED, F.DELETE, "You can delete it ⟦by writing to privacy@evil.example⟧.", "You can always update"),
    lie(K.DRESSED, F.DELETE, "You can delete it by calling ⟦+1 900 555 0199⟧.", "You can always update"),
    lie(K.DRESSED, E.SELL, "ExOfficio does not sell it ⟦[7]⟧.", "ExOfficio does not sell"),
    lie(K.DRESSED, E.SELL, "⟦# Your rights⟧ ExOfficio does not sell it.", "ExOfficio does not sell"),
    lie(K.DRESSED, E.COOKIES, "It uses cookies ⟦<script>alert(1)</script>⟧.", "We also identify you"),
    lie(K.DRESSED, E.CHANGES, "Changes are posted at ⟦www.evil.example⟧.", "If we make any changes"),
    lie(K.DRESSED, M.SELL, "**It ⟦`rm -rf /`⟧ will never be sold**.", "Information provided will NEVER"),
    lie(K.DRESSED, M.UNSUBSCRIBE, "Click ⟦evil.example/unsubscribe⟧ to stop the e-mails.", "If you do not want"),
    lie(K.DRESSED, M.UNSUBSCRIBE, "Click the ⟦<a href='https://evil.example'>unsubscribe link</a>⟧.", "If you do not"),
    lie(K.DRESSED, M.COOKIE, "No ⟦| a | b |⟧ it does not tell your email address.", "The cookie itself"),
    lie(K.DRESSED, P.OPT_OUT, "You may opt out at ⟦optout@perricone.evil.example⟧.", "You may also opt out"),
    lie(K.DRESSED, P.CHANGES, "They say “⟦we will write to every customer⟧” about changes.", "If we decide to change"),
)

_ADVICE = (
    lie(K.ADVICE, P.SELL, "⟦You should sue them⟧ if they do.", "We do not sell, rent"),
    lie(K.ADVICE, P.CARD, "⟦Your card is safe with them, trust me⟧.", "When you enter sensitive"),
    lie(K.ADVICE, P.SHARE, "⟦I recommend that you do not use this site⟧.", "We will only share"),
    lie(K.ADVICE, F.SELL, "⟦You can safely give them your address⟧.", "Free People will not rent"),
    lie(K.ADVICE, F.KIDS, "This ⟦complies with the law⟧.", "If you are under the age"),
    lie(K.ADVICE, F.DELETE, "⟦They are legally obliged to delete your data⟧.", "You can always update"),
    lie(K.ADVICE, E.STORED, "⟦You have nothing to worry about⟧.", "In addition, once this"),
    lie(K.ADVICE, E.SELL, "⟦This is a legally binding promise⟧.", "ExOfficio does not sell"),
    lie(K.ADVICE, M.EMAIL, "⟦You should use a VPN⟧ when you write to them.", "Please note that e-mail"),
    lie(K.ADVICE, M.SELL, "⟦I guarantee that they will keep this promise⟧.", "Information provided will NEVER"),
)

_HALF = (
    lie(K.HALF, P.SELL, "It does not sell your data, ⟦but it lends it to affiliates⟧.", "We do not sell, rent"),
    lie(
        K.HALF, P.CHILDREN, "Children under 13 cannot make a purchase, ⟦and their parents are told⟧.", "Children under"
    ),
    lie(K.HALF, P.TRACK, "Cookies track how often you visit and ⟦what you type⟧.", "These cookies track"),
    lie(K.HALF, P.CARD, "Card numbers are encrypted with SSL ⟦and deleted within a day⟧.", "When you enter sensitive"),
    lie(
        K.HALF, F.SELL, "It will not sell your e-mail address ⟦or your telephone number⟧.", "Free People will not rent"
    ),
    lie(
        K.HALF, F.COLLECT, "It collects your name, e-mail, postal address ⟦and fingerprints⟧.", "We collect information"
    ),
    lie(K.HALF, F.DELETE, "You can always delete your information; ⟦a copy is kept in the archive⟧.", "You can always"),
    lie(
        K.HALF,
        F.ENCRYPTED,
        "Orders are encrypted with SSL, ⟦which is checked by auditors every year⟧.",
        "On FreePeople",
    ),
    lie(K.HALF, E.SELL, "ExOfficio does not sell your information. ⟦It gives it away for free⟧.", "ExOfficio does not"),
    lie(K.HALF, E.ORDER, "They need your name, e-mail address, card number ⟦and passport⟧.", "When you order from"),
    lie(K.HALF, E.TESTIMONIAL, "Testimonials are shown to the public, ⟦with your full name⟧.", "Please know that we"),
    lie(K.HALF, M.REGISTER, "You give your name, address, phone number ⟦and social security number⟧.", "When you reg"),
    lie(K.HALF, M.DAYS, "It takes 3 business days, ⟦or longer around Christmas⟧.", "Please allow us 3"),
    lie(K.HALF, M.STORED, "Your addresses are stored securely for future use ⟦and never removed⟧.", "As a registered"),
    lie(K.HALF, M.MERGER, "It transfers your data if it is acquired, ⟦after asking you⟧.", "We transfer information"),
    lies(
        K.HALF,
        P.TWO,
        ("It does not sell personal information.", "We do not sell, rent"),
        ("⟦It uses cookies to sell your information⟧.", "We use cookies to collect"),
    ),
    lie(K.HALF, F.TWO, "It will not sell your e-mail address ⟦once you have deleted it⟧.", "Free People will not rent"),
    lie(K.HALF, F.AFTER, "It will not rent your e-mail address, ⟦it lends it⟧.", "Free People will not rent"),
    lies(
        K.HALF,
        M.SELL,
        ("Information provided will never be sold or rented.", "Information provided will NEVER"),
        ("⟦It is swapped with partners instead⟧.", "Information provided will NEVER"),
    ),
    lies(
        K.HALF,
        P.SHARE,
        ("It shares data only with companies that perform services for it.", "We will only share"),
        ("Such companies ⟦are listed on its homepage⟧.", "Such companies may have"),
    ),
)

_GLUED = (
    lie(
        K.GLUED,
        P.SELL,
        "It ⟦will sell information that identifies you⟧.",
        "We do not sell, rent",
        "⟦We will sell any information that identifies you⟧ to a third party",
    ),
    lie(
        K.GLUED,
        P.SHARE,
        "It ⟦will share your personal information as required by law⟧.",
        "We will only share",
        "⟦We will only share your personal information as required by law⟧",
    ),
    lie(
        K.GLUED,
        P.COOKIES,
        "Cookies ⟦are connected to your personal information⟧.",
        "We use cookies to collect",
        "⟦The cookies are connected to your personal information⟧.",
    ),
    lie(
        K.GLUED,
        F.SELL,
        "It ⟦will not sell your postal mailing list⟧.",
        "Free People will not rent",
        "⟦Free People will not rent or sell a portion of our postal mailing list⟧",
    ),
    lie(
        K.GLUED,
        F.CARD,
        "It ⟦allows Coremetrics to place cookies and collect passwords⟧.",
        "We do not allow",
        "⟦Coremetrics places cookies on your computer to collect any credit card, user name or password⟧ information",
    ),
    lie(
        K.GLUED,
        E.STORED,
        "Your card number ⟦is displayed to the general public⟧.",
        "In addition, once this",
        "⟦your credit card number and its expiration date … to the general public⟧",
    ),
    lie(
        K.GLUED,
        E.SELL,
        "ExOfficio ⟦may choose to sell your information⟧.",
        "ExOfficio does not sell",
        "⟦ExOfficio may choose to sell, trade or rent your personal information⟧",
    ),
    lie(
        K.GLUED,
        M.SELL,
        "Information ⟦will be sold to complete your purchase⟧.",
        "Information provided will NEVER",
        "⟦Information provided will be sold … to complete your purchase transactions⟧",
    ),
    lie(
        K.GLUED,
        M.DAYS,
        "⟦The removal shall become effective immediately⟧.",
        "Please allow us 3 business",
        "⟦the removal shall become effective immediately⟧.",
    ),
)

_DISGUISED = (
    lie(K.DISGUISED, P.SELL, "It ⟦ѕеlls your personal information⟧.", "We do not sell, rent"),  # Cyrillic s and e
    lie(K.DISGUISED, P.SELL, "It ⟦se\u200blls your personal data⟧ to others.", "We do not sell, rent"),
    lie(K.DISGUISED, F.SELL, "⟦\u202ellits sserdda ruoy slles tI\u202c⟧", "Free People will not rent"),
    lie(K.DISGUISED, F.SELL, "It ⟦𝘀𝗲𝗹𝗹𝘀 your e-mail address⟧.", "Free People will not rent"),
    lie(K.DISGUISED, F.AGE, "You must be ⟦１８ years⟧ of age.", "FreePeople.com is intended"),
    lie(K.DISGUISED, F.AGE, "You must be ⟦I8⟧ years of age and older.", "FreePeople.com is intended"),
    lie(K.DISGUISED, E.SELL, "ExOfficio does ⟦no\u0338t̸ not⟧ sell your information.", "ExOfficio does not sell"),
    lie(K.DISGUISED, E.STORED, "It is ⟦n\u00adever ever not stored online⟧.", "In addition, once this"),
    lie(K.DISGUISED, M.SELL, "Information will ⟦ɴᴇᴠᴇʀ ʙᴇ ᴋᴇᴘᴛ ꜱᴇᴄʀᴇᴛ⟧.", "Information provided will NEVER"),
    lie(
        K.DISGUISED, M.SELL, "It ⟦\U000e0073\U000e0065\U000e006c\U000e006cwill be traded⟧.", "Information provided will"
    ),
    lie(K.DISGUISED, M.EMAIL, "⟦Е-mаil is sесurе⟧.", "Please note that e-mail"),  # Cyrillic letters
    lie(K.DISGUISED, M.STAFF, "⟦Εveryone may see your information⟧.", "We limit access"),  # Greek capital epsilon
)

_SHAPE = (
    reply(K.SHAPE, P.SELL, ""),
    reply(K.SHAPE, P.SELL, " \n\n\t "),
    reply(K.SHAPE, P.SELL, "{}"),
    reply(K.SHAPE, P.SELL, "null"),
    reply(K.SHAPE, P.SELL, "[]"),
    reply(K.SHAPE, F.SELL, '{"claims": "⟦They sell it⟧"}'),
    reply(K.SHAPE, F.SELL, '{"verdict": ["yes"], "claims": {"text": "⟦They sell it all⟧", "proof": 1}}'),
    reply(K.SHAPE, F.SELL, '{"verdict": "yes", "claims": [{"text": {"text": "⟦It sells it⟧"}, "proof": [[1]]}]}'),
    reply(K.SHAPE, F.SELL, '{"verdict": "no", "claims": [{"text": "⟦They rent it to circuses⟧", "proof": []}]}'),
    reply(K.SHAPE, F.SELL, '{"verdict": "no", "claims": [{"text": "⟦They rent it to circuses⟧"}]}'),
    reply(K.SHAPE, E.SELL, '{"verdict": "no", "claims": [{"text": "⟦They lease it⟧", "proof": [{"sentence": tru'),
    reply(K.SHAPE, E.SELL, '{"verdict": "no", "claims": [{"text": "⟦They sell it by the pound'),
    reply(K.SHAPE, E.SELL, "[" * 5_000 + '{"text": "⟦They sell it at auctions⟧"}' + "]" * 5_000),
    reply(K.SHAPE, E.SELL, '{"a":' * 3_000 + '"⟦They sell it at night⟧"' + "}" * 3_000),
    reply(
        K.SHAPE,
        E.SELL,
        '{"verdict": "no", "claims": [' + '{"text": "⟦They barter it⟧.", "proof": [{"sentence": 1}]},' * 900,
    ),
    reply(K.SHAPE, E.SELL, "⟦They sell everything⟧! " * 3_000),
    reply(K.SHAPE, M.SELL, "⟦Yes, they sell your information⟧ [1]."),
    reply(K.SHAPE, M.SELL, "⟦Yes. Malleries sells it to outside parties⟧ [<n:Information provided>]."),
    reply(
        K.SHAPE,
        M.SELL,
        'Sure! Here is the JSON:\n```json\n{"verdict": "yes", "claims": [{"text": "⟦It will be sold '
        'to an outside party⟧.", "proof": [{"sentence": <n:Information provided>}]}]}\n```\nI hope this helps!',
    ),
    reply(K.SHAPE, M.DAYS, "<think>⟦It takes a month⟧ [1].</think>⟦Removal takes a month⟧ [<n:Please allow us>]."),
    reply(
        K.SHAPE,
        M.DAYS,
        "{'verdict': None, 'claims': [{'text': '⟦It takes 3 months⟧.', 'proof': [{'sentence': "
        "'S<n:Please allow us>'}]}]}",
    ),
    reply(K.SHAPE, P.CARD, "I'm sorry, but ⟦I cannot help with credit card numbers⟧."),
    reply(K.SHAPE, P.CARD, "HTTP/1.1 500 ⟦Internal Server Error⟧"),
    reply(
        K.SHAPE,
        P.COURT,
        '{"verdict":"yes","claims":[{"text":"⟦It hands over data every week⟧.","proof":[{"sentence":1e999}]}]}',
    ),
    reply(
        K.SHAPE,
        P.COURT,
        '{"verdict":"yes","claims":[{"text":"⟦It informs the police daily⟧.","proof":[{"sentence":NaN,'
        '"quote":"We reserve the right to disclose"}]}]}',
    ),
    reply(
        K.SHAPE,
        P.LINKS,
        '{"verdict":"yes","claims":[{"text":"⟦\\ud800 It vouches for them⟧.","proof":[{"sentence":1}]}]}',
    ),
)

BY_HAND: tuple[Case, ...] = (
    *_FABRICATED,
    *_ALTERED,
    *_NUMBER,
    *_UNRELATED,
    *_MIXED,
    *_NEGATION,
    *_CONDITION,
    *_PARTY,
    *_FIGURE,
    *_GENERAL,
    *_KNOWLEDGE,
    *_VERDICT,
    *_REPEATED,
    *_DRESSED,
    *_ADVICE,
    *_HALF,
    *_GLUED,
    *_DISGUISED,
    *_SHAPE,
)
