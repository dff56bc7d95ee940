"""What an honest chat model would say: true in every word, in its own words, each with the sentences that prove it."""

from __future__ import annotations

from tests.adversary.cases import Ask, Claim, E, F, M, P, Proof

_HONEST: tuple[tuple[Ask, str, tuple[str, ...]], ...] = (
    (P.SELL, "Perricone MD does not sell its customers' personal information.", ("We do not sell, rent",)),
    (P.SELL, "It does not sell, rent or license the personal information of its customers.", ("We do not sell, rent",)),
    (
        P.SHARE,
        "It shares your personal information only with companies that perform services for it, such as shippers.",
        ("We will only share",),
    ),
    (P.SHARE, "Those companies may not disclose your information for other purposes.", ("Such companies may have",)),
    (P.SHARE, "Aggregate usage information may be shared with marketing partners.", ("We may share aggregate",)),
    (
        P.COOKIES,
        "Perricone MD uses cookies to collect anonymous information about how you use the site.",
        ("We use cookies to collect",),
    ),
    (P.COOKIES, "The cookies are not connected to your personal information.", ("The cookies are not connected",)),
    (
        P.TRACK,
        "They track how often you visit, which pages you view and where you go when you leave.",
        ("These cookies track",),
    ),
    (P.BEACONS, "Information from web beacons is not tied to personal information.", ("We do not tie",)),
    (P.CHILDREN, "Children under 13 may look at the site but cannot buy anything.", ("Children under 13 may view",)),
    (
        P.CHILDREN,
        "The site does not wish to collect personal information from children under 13.",
        ("Our site is not designed",),
    ),
    (P.UNDER_13, "If it finds out that you are under 13, it will delete your registration.", ("If you register with",)),
    (
        P.CARD,
        "Sensitive information such as your card number is encrypted with SSL on the order forms.",
        ("When you enter sensitive",),
    ),
    (P.OPT_OUT, "You can follow the instructions in each newsletter.", ("If you ever decide",)),
    (P.OPT_OUT, "You may also call customer service at 888.823.7837.", ("You may also opt out",)),
    (P.COURT, "It may disclose your personal information as required by law.", ("We reserve the right to disclose",)),
    (
        P.COURT,
        "It may disclose it where it believes this is needed to comply with a court order.",
        ("We reserve the right to disclose",),
    ),
    (
        P.CHANGES,
        "Changes will be posted to the privacy statement, the homepage and other places it deems appropriate.",
        ("If we decide to change",),
    ),
    (
        P.ORDER,
        "You must provide your contact information and financial information such as your card number.",
        ("You must provide contact",),
    ),
    (
        P.PROMOTIONS,
        "With your permission, it may use your information to contact you for promotional purposes.",
        ("However with your permission",),
    ),
    (P.LINKS, "It is not responsible for the privacy practices of other sites.", ("Please be aware that we",)),
    (
        P.GUARANTEE,
        "It cannot guarantee the absolute security of your personal information.",
        ("Therefore, while we strive",),
    ),
    (P.GUARANTEE, "No transmission over the Internet is 100% secure.", ("However, no method",)),
    (P.OWNER, "Perricone MD is the only owner of the information collected on the site.", ("is the sole owner",)),
    (
        P.PROVIDERS,
        "Such companies may have access to your information but may not disclose it for other purposes.",
        ("Such companies may have",),
    ),
    (F.SELL, "Free People will not sell your e-mail address for any reason.", ("Free People will not rent",)),
    (F.RENT, "It will not rent out your e-mail address.", ("Free People will not rent",)),
    (
        F.COLLECT,
        "It collects information such as your name, e-mail and postal address.",
        ("We collect information such as",),
    ),
    (F.COLLECT, "It also keeps a record of your product interests and purchases.", ("In addition, we maintain",)),
    (F.DELETE, "You can update or delete your personal information at any time.", ("You can always update",)),
    (F.DELETE, "Yes, you can always delete your personal information.", ("You can always update",)),
    (F.HOW_DELETE, "You can e-mail FreePeople.com customer service to have it deleted.", ("If at any time you would",)),
    (F.CARD, "Coremetrics is not allowed to collect any credit card information.", ("We do not allow Coremetrics",)),
    (F.OPT_OUT, "Visitors may opt out of data collection by Coremetrics.", ("As a visitor to",)),
    (F.AGE, "The site is meant for users who are 13 or older.", ("FreePeople.com is intended",)),
    (F.KIDS, "Children under 13 are not permitted to submit personal information.", ("If you are under the age",)),
    (
        F.ENCRYPTED,
        "Your private information is encrypted with 128-bit SSL when you place an order.",
        ("On FreePeople.com, we employ",),
    ),
    (F.MONITOR, "It monitors how the site is used in order to improve it.", ("We also monitor site use",)),
    (
        F.PURPOSE,
        "Coremetrics may not use the data it collects for Free People for any other purpose.",
        ("We do not allow Coremetrics",),
    ),
    (F.PURPOSE, "It is bound by contract to keep the information confidential.", ("Additionally, Coremetrics",)),
    (F.COOKIES, "Coremetrics places cookies on your computer.", ("Coremetrics places cookies",)),
    (
        F.FAMILY,
        "It may disclose information about you to other companies of the Free People corporate family.",
        ("We may disclose information",),
    ),
    (F.RECORD, "It keeps a record of what you buy and what products interest you.", ("In addition, we maintain",)),
    (E.SELL, "ExOfficio does not sell your personal information to outside parties.", ("ExOfficio does not sell",)),
    (E.RENT, "It does not trade or rent your personal information either.", ("ExOfficio does not sell",)),
    (
        E.ORDER,
        "They need your name, e-mail address, mailing address, and your card's number and expiration date.",
        ("When you order from",),
    ),
    (E.STORED, "The information is never stored online; it is stored off-line.", ("In addition, once this",)),
    (E.COOKIES, "It uses cookies to keep track of the products in your shopping cart.", ("We also identify you",)),
    (E.TESTIMONIAL, "Testimonials are displayed to the general public.", ("Please know that we display",)),
    (E.RESELLERS, "Some resellers may choose to display testimonials on their websites.", ("Please know that we",)),
    (
        E.HIDE,
        "You can choose not to have your e-mail address displayed with your testimonial.",
        ("When you submit a product",),
    ),
    (
        E.CONTEST,
        "When you enter a contest, it may ask for your name, address and e-mail address.",
        ("When you enter a contest",),
    ),
    (E.CHANGES, "Any changes will be posted on the privacy policy's page.", ("If we make any changes",)),
    (E.ENCRYPTED, "Your information is encrypted as it travels the Internet.", ("When you place an order",)),
    (E.UPDATE, "You only need to give your e-mail address.", ("When you sign up",)),
    (E.TRAFFIC, "ExOfficio does so to develop the design and layout of its site.", ("We also monitor customer",)),
    (E.STATISTICS, "No, the statistics include no personally identifying information.", ("These statistics include",)),
    (
        M.SELL,
        "Malleries says your information will never be sold or rented to outside parties.",
        ("Information pro",),
    ),
    (
        M.ACQUIRED,
        "Your information is transferred if another company acquires Malleries.",
        ("We transfer information",),
    ),
    (M.MERGER, "It transfers information about you if it merges with another company.", ("We transfer information",)),
    (M.COOKIE, "The cookie does not tell them your email address.", ("The cookie itself",)),
    (
        M.EMAIL,
        "E-mail is not encrypted and is not considered a secure means of sending credit card information.",
        ("Please note that e-mail",),
    ),
    (
        M.UNSUBSCRIBE,
        "You can click on the unsubscribe link at the bottom of any e-mail they send.",
        ("If you do not want to receive",),
    ),
    (M.DAYS, "It asks you to allow 3 business days for the removal.", ("Please allow us 3 business",)),
    (
        M.STAFF,
        "Access is limited to employees who reasonably need the information to do their jobs.",
        ("We limit access",),
    ),
    (
        M.REGISTER,
        "You are asked for your name, address, email address, phone number and credit card information.",
        ("When you register to buy",),
    ),
    (
        M.CATALOGS,
        "It uses the information to send you its catalogs by mail.",
        ("We use the information we collect for various", "to send you our catalogs"),
    ),
    (M.EFFECT, "Updates to the policy become effective immediately.", ("All such updates",)),
    (
        M.POLICE,
        "It shares information where it believes that this is necessary to investigate illegal activities.",
        ("We believe it is necessary",),
    ),
    (M.ACCOUNT, "You may access your account online to add, delete or change information.", ("Using your name",)),
    (M.PROMOTIONS, "You will get promotional e-mails only if you have asked for them.", ("You will receive prom",)),
    (
        M.STORED,
        "Your shipping addresses and billing information are stored securely for future use.",
        ("As a registered customer",),
    ),
)

HONEST: tuple[tuple[Ask, Claim], ...] = tuple(
    (ask, Claim(text, tuple(Proof(sentence) for sentence in sentences))) for ask, text, sentences in _HONEST
)
