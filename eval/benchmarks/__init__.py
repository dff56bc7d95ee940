"""Published question sets about privacy policies, and our own dev set, each measured by its published protocol.

``fineprint eval benchmark NAME --data PATH``. No data comes with the project; each module says what form it reads, how
it follows the protocol, and where not.
"""
