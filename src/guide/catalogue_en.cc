// English, in short and plain sentences.
#include "guide/catalogue.h"

namespace sekisho::guide {
namespace {

constexpr Entry kEntries[] = {
    {"site.title", "Guide to sending mail"},
    {"site.skip", "Skip to the text"},
    {"site.menu", "Menu"},
    {"site.nav", "Pages of this guide"},
    {"site.switch", "日本語"},
    {"site.footer", "Provided by {provider}. No advertising, no outside services."},
    {"site.help", "Need help?"},
    {"nav.start", "Start"},
    {"nav.check", "Check my connection"},
    {"nav.affected", "Which of my mails stop"},
    {"nav.remedies", "How to send again"},
    {"nav.settings", "Settings and pictures"},
    {"nav.setup", "Show my settings"},
    {"nav.op25b", "What is OP25B?"},
    {"nav.ip25b", "What is IP25B?"},
    {"nav.servers", "Servers and devices at home"},
    {"nav.contact", "Contact"},
    {"nav.refused", "Refused on port 25"},

    {"start.title", "A guide to sending mail"},
    {"start.lead",
     "To keep spam out, {provider} is changing the way mail is sent. Here you see whether this "
     "concerns you, and what to do: for most people, a few minutes of settings."},
    {"start.choose", "Choose what you want to do"},
    {"start.case.own.title", "Send with my {provider} address"},
    {"start.case.own.text", "The settings are the same at home and on the road."},
    {"start.case.other.title", "Send with an address from work or elsewhere"},
    {"start.case.other.text",
     "You are on a {provider} line and use the address of a company, a school or another provider."
    },
    {"start.case.device.title", "Send from a server, printer or NAS at home"},
    {"start.case.device.text", "A mail server, a program or a device sends mail by itself."},
    {"start.case.error.title", "I saw an error, or mail came back"},
    {"start.case.error.text", "Find the cause and the cure by the text or number you saw."},
    {"start.why", "Why the change?"},
    {"start.why.text",
     "When mail programs and mail servers all use port 25, nobody can tell a real server from a "
     "hijacked computer. So they are kept apart: **people send on 465 or 587, servers talk to each "
     "other on 25**. More in [What is OP25B?](op25b) and [What is IP25B?](ip25b)"},

    {"verdict.label", "The line you are reading this on"},
    {"verdict.more", "See the full check"},
    {"verdict.fix", "See the settings"},
    {"verdict.stopped.title", "Port 25 is closed"},
    {"verdict.stopped.text",
     "This line cannot reach port 25 of other providers' mail servers. **465 and 587 work.** "
     "Change your mail program's settings and you can send."},
    {"verdict.limited.title", "Port 25 is limited"},
    {"verdict.limited.text",
     "This line may send only a little on port 25. **465 and 587 are not limited by this.** Please "
     "change your settings soon."},
    {"verdict.planned.title", "Port 25 will be closed"},
    {"verdict.planned.text",
     "It still works, but this line is one of those concerned. Change your settings to 465 or 587 "
     "before it closes."},
    {"verdict.open.title", "Port 25 is open"},
    {"verdict.open.text",
     "This line is not restricted. For mail programs we still recommend 465 or 587, which are "
     "safer."},
    {"verdict.outside.title", "This is not a {provider} line"},
    {"verdict.outside.text",
     "You are reading this through another company's network. To send with a {provider} address, "
     "use **465 or 587**. On port 25 your mail may not be accepted."},

    {"class.subscribers", "{provider} line (changing address)"},
    {"class.static", "{provider} line (fixed address)"},
    {"class.roaming", "{provider} line on a partner's network"},
    {"class.outside", "Another company's line"},
    {"class.other", "Class “{class}”"},
    {"class.roaming.text",
     "This line uses the network of a partner carrier. That is why port 25 may count as traffic to "
     "the outside even when you send to {provider}'s own mail server."},

    {"action.passes", "Works"},
    {"action.stopped", "Closed"},
    {"action.limited", "Limited"},
    {"action.observe", "Works (being studied, to be closed one day)"},
    {"action.notify", "Works (announced, to be closed soon)"},

    {"check.title", "Check my connection"},
    {"check.lead",
     "Our server looked at the connection that opened this page. You need not install anything."},
    {"check.result", "Result"},
    {"check.address", "Your address"},
    {"check.family", "Kind of connection"},
    {"check.class", "Kind of line"},
    {"check.in_force", "This rule started"},
    {"check.closes", "Port 25 closes"},
    {"check.family.note",
     "Some lines have both IPv4 and IPv6. The result below is for the address that opened this "
     "page."},
    {"check.ports", "Port by port"},
    {"check.port", "Port"},
    {"check.use", "Used for"},
    {"check.state", "On this line"},
    {"check.25.others", "to other providers' mail servers"},
    {"check.25.us", "to {provider}'s mail server"},
    {"check.465", "sending from mail programs (encrypted from the start)"},
    {"check.587", "sending from mail programs (STARTTLS)"},
    {"check.own", "This line's record (last 24 hours)"},
    {"check.own.blocked", "Tries stopped on port 25"},
    {"check.own.would", "Tries that will be stopped one day"},
    {"check.own.last", "Last try"},
    {"check.own.refused", "Logins that failed"},
    {"check.own.login_refused", "Last failed login"},
    {"check.own.login_accepted", "Last good login"},
    {"check.own.count", "{n}"},
    {"check.own.none", "none"},
    {"check.own.some",
     "If you do not know what this was, check your computers and devices for infections. Mail "
     "programs that look for settings by themselves may try port 25, too."},
    {"check.own.wrong_login",
     "When a login fails, check that the user name is the whole mail address and that the password "
     "is right."},
    {"check.own.prefixes", "Addresses this line uses"},
    {"check.own.prefix", "Address range"},
    {"check.own.shared",
     "Several lines share this address. So that nobody sees another person's record, nothing is "
     "shown here. Please ask our support."},
    {"check.own.nobody", "We cannot tell which line uses this address now, so no record is shown."},
    {"check.own.away",
     "The record cannot be read right now. Please open this page again later. The result above is "
     "right."},
    {"check.commands", "Test it yourself"},
    {"check.commands.text",
     "If you like the command line: when this connects, you can send with that setting."},
    {"check.commands.windows", "Windows (PowerShell)"},
    {"check.commands.unix", "macOS and Linux"},

    {"op25b.title", "What is OP25B?"},
    {"op25b.lead",
     "OP25B (Outbound Port 25 Blocking) closes port 25 for traffic that **leaves {provider}'s "
     "lines for other networks**. Most providers in Japan do this."},
    {"op25b.why", "Why is it closed?"},
    {"op25b.why.text",
     "Most spam does not go through a provider's mail server. It leaves directly from private "
     "computers and hijacked devices, and port 25 is the way out. With that door closed, no spam "
     "leaves our network."},
    {"op25b.who", "What is concerned"},
    {"op25b.who.1", "Traffic from {provider}'s lines to port 25 of other companies' mail servers"},
    {"op25b.who.2",
     "On lines that use a partner's network, port 25 of {provider}'s own mail server may be "
     "concerned as well"},
    {"op25b.who.3", "IPv4 and IPv6 alike"},
    {"op25b.problem", "What may stop working"},
    {"op25b.problem.1",
     "From home, mail of your company or of another provider may not be sent any more"},
    {"op25b.problem.2", "A mail server or program at home cannot send mail directly any more"},
    {"op25b.keep",
     "**Receiving mail goes on.** So do web mail, phone apps, and everything that sends on 465 or "
     "587."},
    {"op25b.next", "What to do"},
    {"op25b.next.text", "There are two ways. See [How to send again](remedies)."},
    {"op25b.picture",
     "Picture: a computer at home that sends straight to another provider's server on port 25 is "
     "stopped. On 465 or 587, through {provider}'s outgoing server, the mail arrives."},

    {"ip25b.title", "What is IP25B?"},
    {"ip25b.lead",
     "IP25B (Inbound Port 25 Blocking) keeps port 25 for mail servers only, for traffic that "
     "**comes from other networks to {provider}**."},
    {"ip25b.why", "Why is it restricted?"},
    {"ip25b.why.text",
     "As long as anybody may send on port 25, mail from mail programs and mail from mail servers "
     "look alike. When servers use 25 and people use 465 or 587, we can accept trusted servers and "
     "keep an eye on amounts."},
    {"ip25b.problem", "What may stop working"},
    {"ip25b.problem.1",
     "On the road or on another company's line, you cannot send with a {provider} address on port "
     "25"},
    {"ip25b.problem.2",
     "A mail server on a line with a changing address cannot deliver directly to {provider}"},
    {"ip25b.next", "What to do"},
    {"ip25b.next.1", "Turn on authentication (user name and password) for the outgoing server"},
    {"ip25b.next.2", "Change the port from 25 to 465 (587 if your program cannot do that)"},
    {"ip25b.next.text",
     "This concerns **everybody** with a {provider} address. The values are in [Settings and "
     "pictures](settings). Once changed, they work at home and on the road."},
    {"ip25b.picture",
     "Picture: a mail program outside that comes in on port 25 is refused. On 465 or 587 it may "
     "enter. A mail server may enter on 25."},

    {"affected.title", "Which of my mails stop"},
    {"affected.lead", "**Only sending on port 25** stops. It depends on the line you send from."},
    {"affected.table", "Line by line"},
    {"affected.line", "Line you send from"},
    {"affected.others", "25, to other providers"},
    {"affected.us", "25, to {provider}"},
    {"affected.submission", "465, 587"},
    {"affected.yours", "your line"},
    {"affected.keep", "What goes on as before"},
    {"affected.keep.1", "Receiving mail"},
    {"affected.keep.2", "Web mail in the browser"},
    {"affected.keep.3",
     "Mail programs and apps that use 465 or 587 (other providers' addresses, too)"},
    {"affected.keep.4", "Everything that is not mail"},
    {"affected.errors", "If you see this"},
    {"affected.error", "You see"},
    {"affected.cause", "Likely cause"},
    {"affected.step", "What to do"},
    {"affected.e1", "Outlook 0x800CCC0E or 0x800CCC0F, socket error 10060 or 10061"},
    {"affected.e1.cause", "The program still uses port 25, which is closed"},
    {"affected.e1.step", "Change the port to 465 in the [settings](settings)"},
    {"affected.e2", "“Could not connect to the outgoing server”"},
    {"affected.e2.cause", "Port and kind of encryption do not match"},
    {"affected.e2.step", "Use SSL/TLS with 465, STARTTLS with 587"},
    {"affected.e3", "535 5.7.8, “wrong password”"},
    {"affected.e3.cause", "User name or password is wrong"},
    {"affected.e3.step", "Use the whole mail address as user name"},
    {"affected.e4", "530 5.7.0, “authentication required”"},
    {"affected.e4.cause", "Authentication for the outgoing server is off"},
    {"affected.e4.step", "Turn on “authentication required”"},
    {"affected.e5", "550 5.7.1 with the address of this guide"},
    {"affected.e5.cause", "You sent to {provider}'s server on port 25"},
    {"affected.e5.step", "Read [Refused on port 25](refused)"},

    {"remedies.title", "How to send again"},
    {"remedies.lead",
     "There are two ways. **Ask the company that manages your address** first: that is the surest "
     "one."},
    {"remedies.own",
     "If you have a {provider} address, just change the values as in [Settings and "
     "pictures](settings)."},
    {"remedies.1", "Way 1: ask the company that manages the address"},
    {"remedies.1.when", "The first choice for addresses of companies, schools and other providers."
    },
    {"remedies.1.1", "Look in that company's support pages for “submission port”, “587” or “465”"},
    {"remedies.1.2", "If you find nothing, ask them: “Which settings for sending work with OP25B?”"
    },
    {"remedies.1.3", "Enter the server name, port and authentication they tell you"},
    {"remedies.1.note",
     "Port 25 is restricted all over the country, so nearly everybody is prepared for this "
     "question."},
    {"remedies.2", "Way 2: use {provider}'s server for sending only"},
    {"remedies.2.when",
     "For addresses whose company offers no settings for sending. You keep receiving as before."},
    {"remedies.2.1", "Set the **outgoing server** to `{outgoing}`"},
    {"remedies.2.2", "Set the port to {port} and choose {security}"},
    {"remedies.2.3",
     "Turn on “authentication required” and enter your {provider} mail account and password"},
    {"remedies.2.4",
     "To send as an address from elsewhere it must be registered. Please apply through "
     "[Contact](contact)"},
    {"remedies.2.note",
     "Some companies tell the world to refuse mail with their addresses that comes from elsewhere "
     "(DMARC). Then your mail would not arrive: use way 1."},
    {"remedies.after", "Afterwards"},
    {"remedies.after.text",
     "Mail sent on 465 or 587 is not subject to OP25B or IP25B. Send one message to yourself to be "
     "sure."},

    {"settings.title", "Settings and pictures"},
    {"settings.lead", "Change the **outgoing server (SMTP)** of your mail program to these values."
    },
    {"settings.outgoing", "Outgoing server (SMTP)"},
    {"settings.item", "Setting"},
    {"settings.value", "Value"},
    {"settings.server", "Server name"},
    {"settings.port", "Port"},
    {"settings.security", "Connection security"},
    {"settings.auth", "Authentication"},
    {"settings.auth.value", "Required (normal password)"},
    {"settings.user", "User name"},
    {"settings.user.value", "The whole mail address (such as `taro@{domain}`)"},
    {"settings.password", "Password"},
    {"settings.password.value", "Your mail password"},
    {"settings.first", "Recommended"},
    {"settings.second", "If your program cannot use 465"},
    {"settings.tls", "SSL/TLS (encrypted from the start)"},
    {"settings.starttls", "STARTTLS (required)"},
    {"settings.never",
     "Never choose “none”, “plain text” or “if available”: others could read your password."},
    {"settings.incoming", "Incoming server"},
    {"settings.incoming.keep", "You can leave this as it is. For a new account use these values."},
    {"settings.kind", "Kind"},
    {"settings.auto", "Let the program do it"},
    {"settings.auto.text",
     "In Thunderbird, K-9 Mail and Evolution, **type your mail address and password** in the new "
     "account window: the values above are filled in."},
    {"settings.pictures", "What it looks like"},
    {"settings.pictures.text",
     "The pictures show the real values. Your version may look a little different. Step by "
     "step for your own: [Set up your program](programs)."},
    {"settings.own", "[Show my settings](setup) prints the values with your own address filled in."
    },

    {"picture.thunderbird", "Outgoing server in Thunderbird"},
    {"picture.generic", "Outgoing server in a common mail program"},
    {"picture.alt",
     "{title}: server name {outgoing}, port {port}, connection security {security}, user name "
     "{user}."},
    {"picture.path", "Account Settings → Outgoing Server → Edit"},
    {"picture.path.generic", "Accounts → Properties → Outgoing server"},
    {"picture.section.server", "Settings"},
    {"picture.section.auth", "Security and Authentication"},
    {"picture.description", "Description"},
    {"picture.server", "Server Name"},
    {"picture.port", "Port"},
    {"picture.security", "Connection security"},
    {"picture.method", "Authentication"},
    {"picture.method.value", "Normal password"},
    {"picture.user", "User Name"},
    {"picture.password", "Password"},
    {"picture.needs", "My server requires authentication"},
    {"picture.encrypted", "Use an encrypted connection (SSL/TLS)"},
    {"picture.starttls", "Use STARTTLS"},
    {"picture.smtp", "Outgoing mail (SMTP)"},
    {"picture.ok", "OK"},
    {"picture.cancel", "Cancel"},
    {"picture.m.server", "Enter `{outgoing}` as the server name."},
    {"picture.m.port", "Change the port from 25 to {port}."},
    {"picture.m.security", "Choose “{security}” as the connection security."},
    {"picture.m.method", "Choose “Normal password”. The connection is encrypted, so this is safe."},
    {"picture.m.user", "The user name is the whole mail address."},
    {"picture.m.needs", "Tick “My server requires authentication”."},
    {"picture.m.account", "Enter the user name (the whole mail address) and the password."},
    {"picture.m.tls", "Tick the box for encryption."},

    {"setup.title", "Show my settings"},
    {"setup.lead",
     "Enter your mail address to get values that you can copy as they are. The address is not "
     "stored."},
    {"setup.address", "Mail address"},
    {"setup.example", "such as taro@{domain}"},
    {"setup.show", "Show"},
    {"setup.invalid",
     "This does not look like a mail address. Check the parts before and after the @."},
    {"setup.values", "Settings for {address}"},
    {"setup.elsewhere",
     "**{mail_domain}** is not an address of {provider}. Please ask that company for its settings "
     "first. You may also use {provider}'s server for sending only. [See both ways](remedies)"},
    {"setup.programs", "Program by program"},
    {"setup.auto", "Thunderbird, K-9 Mail, Evolution"},
    {"setup.auto.text",
     "In the new account window enter your name, mail address and password and continue. The "
     "values are filled in."},
    {"setup.apple", "iPhone, iPad, Mac"},
    {"setup.apple.text",
     "Install the profile and enter your mail password when asked. It is shown as “not signed”."},
    {"setup.apple.button", "Get the profile"},
    {"setup.other", "Any other program"},
    {"setup.other.text", "Enter the values of the table above as in the [pictures](settings)."},
    {"setup.print", "This page prints on one sheet."},

    {"servers.title", "Servers and devices at home"},
    {"servers.lead",
     "For mail servers, programs, printers, cameras and NAS devices that send mail from home."},
    {"servers.relay", "Lines with a changing address: relay through {provider}"},
    {"servers.relay.text",
     "Do not send straight to the recipient's server. Hand the mail to `{outgoing}` on port "
     "{relay_port}, with authentication. Then it arrives."},
    {"servers.postfix", "Example for Postfix"},
    {"servers.msmtp", "Example for msmtp"},
    {"servers.device", "Printers, cameras, NAS"},
    {"servers.device.text",
     "Enter the [settings](settings) in the device's “SMTP” page; [what goes wrong there](devices) "
     "is known. Old devices that know neither "
     "465 nor STARTTLS can send through a relay at home (such as the Postfix above)."},
    {"servers.static", "Lines with a fixed address"},
    {"servers.static.stands",
     "Under today's rule, this is port 25 from a fixed address to other providers:"},
    {"servers.static.text",
     "If you run a server, set up reverse DNS (PTR), SPF and DKIM, and never relay for strangers."},
    {"servers.exempt", "Asking for an exemption"},
    {"servers.exempt.text",
     "If you really need port 25, you can ask for an exemption. Tell us through [Contact](contact):"
    },
    {"servers.exempt.1", "who is responsible, and how we reach that person"},
    {"servers.exempt.2", "the address or the line"},
    {"servers.exempt.3", "why port 25 is needed, and how much mail you send"},
    {"servers.exempt.4", "the day it ends (there is no exemption without one)"},
    {"servers.exempt.note", "On that day the exemption ends. Ask again if you still need it."},

    {"contact.title", "Contact"},
    {"contact.lead", "Please ask {provider}'s support about anything that is not clear."},
    {"contact.mail", "Mail"},
    {"contact.phone", "Phone"},
    {"contact.hours", "Hours"},
    {"contact.tell", "This helps us to help you quickly"},
    {"contact.tell.1", "the address of your line: `{peer}`"},
    {"contact.tell.2", "when you could not send (now it is {time})"},
    {"contact.tell.3", "the name of your mail program"},
    {"contact.tell.4", "the error text, and the reference number if you have one"},
    {"contact.never", "Our support never asks for your password."},

    {"refused.title", "Refused on port 25"},
    {"refused.lead",
     "Your mail program sent to {provider}'s mail server on port 25, so the mail was not accepted. "
     "**It has not been sent.** Change the settings and send it again."},
    {"refused.reference", "Reference number"},
    {"refused.reference.text", "Please give this number to our support: they see the same record."},
    {"refused.at", "Refused at"},
    {"refused.do", "Three things to change"},
    {"refused.do.1", "Change the port **from 25 to {port}**"},
    {"refused.do.2", "Set the connection security to **{security}**"},
    {"refused.do.3", "**Turn on authentication** and enter your mail address and password"},
    {"refused.show", "See settings and pictures"},
    {"refused.server", "If you run a mail server"},
    {"refused.server.text",
     "If yours is a proper mail server, check its reverse DNS (PTR), HELO name and SPF, then write "
     "to `{support_mail}` with the reference number. Direct delivery from lines with a changing "
     "address is not accepted."},

    {"login.title", "When signing in fails"},
    {"login.lead",
     "The mail server answered your mail program with one of these numbers. Programs often show "
     "the "
     "number in the details of their message."},
    {"login.535", "The password is not accepted"},
    {"login.535.text",
     "Mail address and password do not fit each other. Enter both again; mind capital letters, and "
     "do not paste spaces. Was the password changed? Then change it in every program and device. "
     "An "
     "app password works only where and as long as it was meant to. Did you forbid sending from "
     "abroad on your own page? Then the right password is refused there, too, with the same words."
    },
    {"login.534", "The password must be changed first"},
    {"login.534.text",
     "The account was used in a way that suggests somebody else knows the password. Set a new one "
     "on your own page, then enter it in every program and device. If you can't sign in there, "
     "write to `{support_mail}`."},
    {"login.530", "Signing in, or encryption, is missing"},
    {"login.530.text",
     "The program tried to send without signing in, or without encryption. Turn on "
     "**authentication** "
     "and set the connection security to **{security}**."},
    {"login.538", "Encryption comes first"},
    {"login.538.text",
     "The program wanted to send the password in the clear. Set the connection security to "
     "**{security}**, port **{port}**."},
    {"login.525", "The account is disabled"},
    {"login.525.text",
     "The password is right, but the account may not be used now. Please write to "
     "`{support_mail}`."},
    {"login.454", "Not now: too many wrong passwords, or a fault of ours"},
    {"login.454.text",
     "After many wrong passwords new tries are refused for a time; the reply says until when. "
     "Another device with an old password is the usual reason. Where you have signed in before it "
     "goes on working. If the reply names no limit, the fault is ours; try again in some minutes."},

    {"limits.title", "When too much was sent for now"},
    {"limits.lead",
     "The mail server has a limit on how much one subscriber may send in a time. Nothing is lost: "
     "what was not taken is still in your mail program."},
    {"limits.read", "What the message says"},
    {"limits.read.1", "**Limit NAME reached**: which limit it is."},
    {"limits.read.2", "**20 of 20 used**: how much of it is used, and how much is allowed."},
    {"limits.read.3",
     "**free again 2026-11-24T13:59:24Z**: when the same mail will be taken. The time is UTC; "
     "Japan "
     "is nine hours ahead of it."},
    {"limits.do", "What to do"},
    {"limits.do.1", "Wait until that time and send again. Most programs do so by themselves."},
    {"limits.do.2",
     "Did you not send that much? Then somebody else may know your password: change it at once, "
     "look for viruses, and tell `{support_mail}`."},
    {"limits.do.3",
     "Do you send newsletters or to a mailing list? Ask `{support_mail}` for a limit that fits."},
    {"limits.why", "Why there are limits"},
    {"limits.why.text",
     "A stolen password or a virus sends thousands of mails in minutes. Limits stop that early, so "
     "that other providers go on taking everybody's mail."},

    {"missing.title", "Page not found"},
    {"missing.text", "The address has changed or is wrong. Please use the menu."},
    {"method.title", "This cannot be done"},
    {"method.text", "This page can only be read."},

    {"word.ipv4", "IPv4"},
    {"word.ipv6", "IPv6"},
    {"word.or", "or"},
    {"diagram.home", "Computer at home"},
    {"diagram.ours", "{provider}'s|outgoing server"},
    {"diagram.others", "Another company's|mail server"},
    {"diagram.away", "Mail program|outside"},
    {"diagram.receiver", "{provider}'s|mail server"},
    {"diagram.server", "Mail server|outside"},
};

}  // namespace

constinit const std::span<const Entry> kCatalogueEn{kEntries};

}  // namespace sekisho::guide
