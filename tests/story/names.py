"""The world's map: who lives where. Addresses are from the documentation prefixes only."""

from dataclasses import dataclass, field

PREFIX = "sk-"

PROVIDER = "example.net"  # our provider
OTHER = "example.org"  # another provider
COMPANY = "example.com"  # a company whose mail the other provider keeps
HOME = "home.example.com"  # the mail domain of the subscriber with a static address
SHOP = "shop.example.com"  # a shop whose own server has no reverse name that leads back
ANYBODY = "many.example.org"  # a domain of which every address takes mail

MX, SMTP, GUIDE = f"mx.{PROVIDER}", f"smtp.{PROVIDER}", f"guide.{PROVIDER}"
OTHER_MX, OTHER_SMTP = f"mx.{OTHER}", f"smtp.{OTHER}"

# Classes of the policy, by prefix.
CLASSES = {
    "subscribers": ["198.51.100.0/25", "2001:db8:100::/40"],
    "static": ["198.51.100.128/26", "2001:db8:200::/40"],
    "roaming": ["203.0.113.64/26", "2001:db8:500::/40"],
    "submission": ["192.0.2.10/32", "2001:db8:1::10/128"],
    "exchange": ["192.0.2.25/32", "2001:db8:1::25/128"],
    "mail-servers": ["203.0.113.201/32", "2001:db8:f00::201/128"],
    "penalty": [],
    "others-dynamic": ["203.0.113.128/26", "2001:db8:f80::/48"],
}

REGIONS = {
    "hills": ["198.51.100.0/26", "2001:db8:100:1000::/52"],
    "coast": ["198.51.100.64/26", "2001:db8:100:6000::/52"],
}


@dataclass(frozen=True)
class Host:
    """A namespace with its own cable to `router`; `name` is the rest after the prefix."""

    name: str
    router: str
    v4: tuple
    v6: tuple
    note: str
    any4: str = ""  # a prefix of which every address is this host's
    any6: str = ""
    line: str = ""  # the subscriber's RADIUS user name
    prefix6: str = ""  # what RADIUS says was delegated
    resolver: str = "192.0.2.53"
    extra: dict = field(default_factory=dict)

    @property
    def ns(self):
        return PREFIX + self.name

    @property
    def ip4(self):
        return self.v4[0]

    @property
    def ip6(self):
        return self.v6[0]

    def addresses(self):
        return (self.ip4, self.ip6)


GATE = PREFIX + "gate"
INTERNET = PREFIX + "net"
GATE4, GATE6 = "192.0.2.1", "2001:db8:1::1"

DYNAMIC = Host(
    "dyn", "gate", ("198.51.100.10",), ("2001:db8:100:1000::10",), "subscriber, dynamic address",
    line="hanako", prefix6="2001:db8:100:1000::/56",
)
STATIC = Host(
    "static", "gate", ("198.51.100.130",), ("2001:db8:200:8200::130",), "subscriber, static address",
    line="kobayashi-office", prefix6="2001:db8:200:8200::/56",
)
ROAMING = Host(
    "roam", "gate", ("203.0.113.70",), ("2001:db8:500:7000::70",), "subscriber on a wholesale carrier",
    line="ichiro", prefix6="2001:db8:500:7000::/56",
)
INFECTED = Host(
    "bot", "gate", ("198.51.100.66",), ("2001:db8:100:6600::66",), "infected PC, dynamic address",
    line="jiro", prefix6="2001:db8:100:6600::/56",
)
MAIL = Host(
    "mail", "gate", ("192.0.2.25", "192.0.2.10", "192.0.2.80"),
    ("2001:db8:1::25", "2001:db8:1::10", "2001:db8:1::80"), "our mail host",
)
CORE = Host("core", "gate", ("192.0.2.53",), ("2001:db8:1::53",), "our resolver and RADIUS sender")
FOREIGN_MX = Host("omx", "net", ("203.0.113.25",), ("2001:db8:f00::25",), "another provider's MX")
FOREIGN_SMTP = Host(
    "osub", "net", ("203.0.113.10",), ("2001:db8:f00::10",), "another provider's submission server"
)
FOREIGN_USER = Host(
    "ouser", "net", ("203.0.113.130",), ("2001:db8:f80::130",), "end user of another provider"
)
FOREIGN_SERVER = Host("oserv", "net", ("203.0.113.201",), ("2001:db8:f00::201",), "a foreign mail server")
STRANGER = Host(
    "odd", "net", ("203.0.113.40",), ("2001:db8:f00:40::40",), "a machine outside that is no mail server"
)
CABLE = Host("ocab", "net", ("203.0.113.50",), ("2001:db8:f00:50::50",), "a line of a provider that no class names")
SHOP_SERVER = Host("oshop", "net", ("203.0.113.60",), ("2001:db8:f00:60::60",), "a shop's mail server, badly set up")
VICTIMS = Host(
    "sinks", "net", ("203.0.113.208",), ("2001:db8:f00:d::1",), "many servers a bot tries",
    any4="203.0.113.208/28", any6="2001:db8:f00:d::/64",
)
DNS = Host("dns", "net", ("203.0.113.2",), ("2001:db8:f00::2",), "authoritative DNS")

HOSTS = [
    DYNAMIC, STATIC, ROAMING, INFECTED, MAIL, CORE,
    FOREIGN_MX, FOREIGN_SMTP, FOREIGN_USER, FOREIGN_SERVER, STRANGER, CABLE, SHOP_SERVER, VICTIMS, DNS,
]  # fmt: skip
SUBSCRIBERS = [DYNAMIC, STATIC, ROAMING, INFECTED]
NAMESPACES = [GATE, INTERNET] + [host.ns for host in HOSTS]

RADIUS_SECRET = "lab-accounting"
NAS = "bras1.example.net"

# Mail accounts at our provider (login, addresses, line) and at the other one.
PASSWORDS = {
    "hanako@example.net": "tsubame-1905",
    "ichiro@example.net": "kawasemi-2048",
    "saburo@example.net": "uguisu-7731",
    "shiro@example.net": "hibari-4410",
    "goro@example.net": "mejiro-0552",
    "natsu@example.net": "hototogisu-1188",
    "nanako@example.net": "kogera-3206",
    "kuro@example.net": "karasu-9014",
}
ACCOUNTS = [
    # hanako also writes as her company's address, which our server is to send for her.
    ("hanako@example.net", ["hanako@example.net", "hanako@example.com"], "hanako"),
    ("ichiro@example.net", ["ichiro@example.net"], "ichiro"),
    ("saburo@example.net", ["saburo@example.net"], ""),  # travels: never at home
    ("shiro@example.net", ["shiro@example.net"], ""),  # reaches the recipients' limit
    ("goro@example.net", ["goro@example.net"], "jiro"),  # someone guesses the password
    ("natsu@example.net", ["natsu@example.net"], "hanako"),  # her password gets stolen; hanako's line
    ("nanako@example.net", ["nanako@example.net"], ""),  # has her mail sent on to the other provider
    ("kuro@example.net", ["kuro@example.net"], ""),  # reads the mail to abuse@
]
OTHER_ACCOUNTS = {"hanako@example.com": "kaisha-3390", "suzuki@example.org": "tanuki-8123"}
OTHER_MAILBOXES = ["hanako@example.com", "boss@example.com", "suzuki@example.org", "friend@example.org"]
