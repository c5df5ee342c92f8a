// English: setting up program by program, and sending as an address elsewhere. Names of menus and
// fields are those of each program's own English version.
#include "guide/catalogue.h"

namespace sekisho::guide {
namespace {

constexpr Entry kEntries[] = {
    {"nav.programs", "Set up your program"},
    {"programs.title", "Set up your mail program"},
    {"programs.lead",
     "Choose the program you send with. On each page: where the setting is, what to enter, and "
     "what "
     "usually goes wrong. Only **outgoing mail** has to change; what you receive stays as it is."},
    {"programs.computer", "Computer"},
    {"programs.phone", "Phone and tablet"},
    {"programs.other", "Everything else"},
    {"programs.web",
     "Do you read your mail in a web browser only? Then nothing changes for you: port 25 is not "
     "used there."},
    {"programs.unknown",
     "Your program isn't here? The values are the same everywhere: see [Settings and "
     "pictures](settings)."},
    {"program.steps", "Change the outgoing server"},
    {"program.picture", "What to enter"},
    {"program.traps", "If it doesn't work"},
    {"program.new", "Adding an account"},
    {"program.names",
     "Names of menus differ a little from version to version. The values are what counts."},
    {"program.test",
     "Send a mail to yourself. If it arrives, all is done; if there is an error, compare the "
     "message with [these](affected)."},
    {"program.more", "Other programs"},
    {"program.new.auto",
     "Name, mail address and password are enough: the program fetches the rest from {provider}."},
    {"program.new.apple",
     "For a new account get the profile from [Show my settings](setup): it holds all values and no "
     "password."},

    {"thunderbird.title", "Thunderbird"},
    {"thunderbird.lead", "Windows, macOS, Linux."},
    {"thunderbird.steps.1", "Open the menu ☰ at the top right and choose **Account Settings**."},
    {"thunderbird.steps.2",
     "At the end of the list on the left choose **Outgoing Server** (older versions: **Outgoing "
     "Server (SMTP)**)."},
    {"thunderbird.steps.3", "Select the server you send with and press **Edit**."},
    {"thunderbird.steps.4", "Enter the values of the picture and press **OK**."},
    {"thunderbird.traps.1",
     "Thunderbird asks for the password when you send for the first time. It is the password of "
     "your mail address."},
    {"thunderbird.traps.2",
     "If it keeps asking for the password, choose **Normal password** as the authentication: "
     "“Encrypted password” is something else."},
    {"thunderbird.traps.3",
     "With several accounts, check in **Account Settings** which outgoing server each of them "
     "uses."},

    {"outlook.title", "Outlook (classic)"},
    {"outlook.lead", "Windows, with Microsoft 365 or Office."},
    {"outlook.window", "IMAP Account Settings"},
    {"outlook.steps.1", "Open **File → Account Settings → Server Settings**."},
    {"outlook.steps.2", "Open **Outgoing mail**."},
    {"outlook.steps.3",
     "Enter the values of the picture, press **Next**, then **Done**. The password is asked for "
     "there."},
    {"outlook.section", "Outgoing mail"},
    {"outlook.server", "Server"},
    {"outlook.port", "Port"},
    {"outlook.security", "Encryption method"},
    {"outlook.spa", "Require logon using Secure Password Authentication (SPA)"},
    {"outlook.needs", "My outgoing (SMTP) server requires authentication"},
    {"outlook.same", "Use same settings as my incoming mail server"},
    {"outlook.m.spa", "Leave this box empty: with SPA the login fails."},
    {"outlook.m.needs", "Tick this, and below it use the same settings as for incoming mail."},
    {"outlook.traps.1",
     "Older versions have this under **More Settings**: tabs **Outgoing Server** "
     "(authentication) and **Advanced** (port and encryption)."},
    {"outlook.traps.2",
     "“Auto” as the encryption method is not enough: choose {security} yourself, and check the "
     "port "
     "after that, since Outlook changes it back."},
    {"outlook.traps.3",
     "Error 0x800CCC0F or 0x80042109: the port is still 25, or a virus scanner stands between."},

    {"outlook-new.title", "Outlook (new)"},
    {"outlook-new.lead", "The Outlook that comes with Windows 11, and Outlook for Mac."},
    {"outlook-new.window", "IMAP account"},
    {"outlook-new.steps.1",
     "Open the gear at the top right and choose **Accounts → Your accounts**."},
    {"outlook-new.steps.2", "Press **Manage** beside the account, then open its server settings."},
    {"outlook-new.steps.3",
     "If they can't be changed there, remove the account and add it again: type the address, "
     "choose "
     "**IMAP** as the provider and open **Show more**. Your mail stays on the server."},
    {"outlook-new.steps.4", "Enter the values of the picture and press **Continue**."},
    {"outlook-new.user", "SMTP username"},
    {"outlook-new.password", "SMTP password"},
    {"outlook-new.server", "SMTP outgoing server"},
    {"outlook-new.port", "Port"},
    {"outlook-new.security", "Secure connection type"},
    {"outlook-new.traps.1",
     "The new Outlook fetches and sends your mail through Microsoft's servers. Your logins then "
     "come "
     "from there and not from your line."},
    {"outlook-new.traps.2",
     "If you don't want that, use the classic Outlook, Thunderbird or another program."},

    {"apple-mail.title", "Mail on a Mac"},
    {"apple-mail.lead", "macOS."},
    {"apple-mail.window", "Accounts"},
    {"apple-mail.steps.1", "Choose **Mail → Settings → Accounts** (before macOS 13: Preferences)."},
    {"apple-mail.steps.2", "Select the account on the left, then **Server Settings**."},
    {"apple-mail.steps.3",
     "Under **Outgoing Mail Server (SMTP)** untick **Automatically manage connection settings**."},
    {"apple-mail.steps.4", "Enter the values of the picture and press **Save**."},
    {"apple-mail.section", "Outgoing Mail Server (SMTP)"},
    {"apple-mail.user", "User Name"},
    {"apple-mail.password", "Password"},
    {"apple-mail.server", "Host Name"},
    {"apple-mail.auto", "Automatically manage connection settings"},
    {"apple-mail.port", "Port"},
    {"apple-mail.tls", "Use TLS/SSL"},
    {"apple-mail.method", "Authentication"},
    {"apple-mail.method.value", "Password"},
    {"apple-mail.m.auto",
     "Untick this. As long as it is ticked, Mail tries port 25 first and waits for it."},
    {"apple-mail.m.tls", "Tick the box for TLS/SSL."},
    {"apple-mail.m.method", "Choose “Password” as the authentication."},
    {"apple-mail.traps.1",
     "**Window → Connection Doctor** shows for each server whether it can be reached and whether "
     "the login is right."},
    {"apple-mail.traps.2",
     "The password field of the outgoing server is one of its own: when you change your password, "
     "change it there, too."},

    {"iphone.title", "Mail on iPhone and iPad"},
    {"iphone.lead", "iOS, iPadOS."},
    {"iphone.window", "Outgoing server"},
    {"iphone.steps.1",
     "Open **Settings → Apps → Mail → Mail Accounts** (before iOS 18: Settings → Mail → Accounts)."
    },
    {"iphone.steps.2", "Choose the account, then **Account** once more, then **SMTP**."},
    {"iphone.steps.3", "Choose the **primary server** and enter the values of the picture."},
    {"iphone.steps.4", "Press **Done**, go back, and press **Done** once more."},
    {"iphone.on", "Server"},
    {"iphone.server", "Host Name"},
    {"iphone.user", "User Name"},
    {"iphone.password", "Password"},
    {"iphone.tls", "Use SSL"},
    {"iphone.method", "Authentication"},
    {"iphone.method.value", "Password"},
    {"iphone.port", "Server Port"},
    {"iphone.m.on", "The server must be switched on."},
    {"iphone.m.tls", "Switch SSL on."},
    {"iphone.traps.1",
     "User name and password are “optional” by their labels. Here they are needed: fill them in."},
    {"iphone.traps.2",
     "Where it works at home and not on the road, the port is still 25: many networks close it."},

    {"gmail.title", "Gmail app"},
    {"gmail.lead",
     "Android. Only for addresses that you added as “Other”; @gmail.com needs nothing."},
    {"gmail.window", "Outgoing server settings"},
    {"gmail.steps.1", "Open the menu ☰ and choose **Settings**."},
    {"gmail.steps.2", "Tap your {provider} address, then **Outgoing settings**."},
    {"gmail.steps.3", "Enter the values of the picture and go back; the app checks them."},
    {"gmail.needs", "Require signin"},
    {"gmail.user", "Username"},
    {"gmail.password", "Password"},
    {"gmail.server", "SMTP server"},
    {"gmail.port", "Port"},
    {"gmail.security", "Security type"},
    {"gmail.m.needs", "Switch this on."},
    {"gmail.traps.1",
     "In the browser (“Send mail as” in Gmail's settings, tab Accounts) the values are the same: "
     "server `{outgoing}`, port {port}, {security}. Gmail then sends through us."},
    {"gmail.traps.2",
     "“Accept all certificates” is never needed with {provider}: if only that works, the server "
     "name is wrong."},

    {"android.title", "Thunderbird and K-9 Mail for Android"},
    {"android.lead", "Android."},
    {"android.window", "Outgoing server settings"},
    {"android.steps.1", "Open the menu and choose **Settings**, then your account."},
    {"android.steps.2", "Choose **Sending mail → Outgoing server**."},
    {"android.steps.3", "Enter the values of the picture and press **Next**; the app checks them."},
    {"android.server", "SMTP server"},
    {"android.security", "Security"},
    {"android.port", "Port"},
    {"android.method", "Authentication"},
    {"android.method.value", "Normal password"},
    {"android.user", "Username"},
    {"android.password", "Password"},
    {"android.traps.1",
     "“Encrypted password” and “Client certificate” are something else: choose the normal one. The "
     "connection is encrypted."},
    {"android.traps.2",
     "After a change of the password it has to be entered here and for receiving."},

    {"devices.title", "Printers, cameras, NAS and scripts"},
    {"devices.lead",
     "A device that scans to mail, a camera that reports, a program that sends by itself: all of "
     "them can use our outgoing server."},
    {"devices.values", "What to enter in a device"},
    {"devices.values.text",
     "The page of the device is mostly called “Email”, “SMTP”, “Notification” or “Scan to email”."},
    {"devices.sender", "Sender (From)"},
    {"devices.sender.value", "Your mail address. Any other is refused."},
    {"devices.traps.1",
     "**The sender must be your own address.** Devices come with something like "
     "`printer@localhost`."},
    {"devices.traps.2",
     "Clock: a device whose date is wrong finds our certificate invalid. Switch on setting the "
     "time "
     "by network."},
    {"devices.traps.3",
     "Old devices without encryption can't send to us directly. Let them send to a computer of "
     "yours that passes it on: see [Servers and devices at home](servers)."},
    {"devices.traps.4",
     "A password of its own for each device limits the harm when one is stolen. Ask our support "
     "for "
     "it."},
    {"devices.scripts", "Programs that send by themselves"},
    {"devices.scripts.text",
     "The examples have our server's name and port in them; put in your own address and password."},
    {"devices.python", "Python"},
    {"devices.node", "Node.js (nodemailer)"},
    {"devices.php", "PHP (PHPMailer)"},
    {"devices.curl", "Shell (curl)"},
    {"devices.relay",
     "For a whole machine, Postfix and msmtp are described in [Servers and devices at "
     "home](servers)."},

    {"sendas.title", "Send as an address elsewhere"},
    {"sendas.lead",
     "With an account of {provider} you can also send mail as an address of your company or of "
     "another provider, once it is shown that you read its mail."},
    {"sendas.how", "How it goes"},
    {"sendas.how.1", "Give the address on [my page](my/sendas)"},
    {"sendas.how.2", "A mail with a code comes to that address: open its link, or tell us the code"
    },
    {"sendas.how.3", "Then set your mail program: the address as the sender, our server to send"},
    {"sendas.arrives", "Will the mail arrive?"},
    {"sendas.arrives.text",
     "Many domains say which servers send their mail (SPF), and what becomes of other mail "
     "(DMARC). "
     "Where ours isn't among them, mail may land in the junk folder or be rejected. We look it up "
     "when you register and tell you; it is then better to send through the server of whoever "
     "provides the address."},
    {"sendas.ask", "Is this your address?"},
    {"sendas.ask.text", "The account **{claim_login}** asks to send mail as **{claim_address}**."},
    {"sendas.ask.warn",
     "If you know nothing of it, just close this page: nothing changes without the button."},
    {"sendas.ask.yes", "Yes, allow it"},
    {"sendas.done", "The address is confirmed"},
    {"sendas.done.text", "The account **{claim_login}** may now send as **{claim_address}**."},
    {"sendas.none",
     "This code is not valid: it has expired, was used already, or is incomplete. Ask for a new "
     "one."},
    {"sendas.away", "The code can't be checked just now. Please try again in a few minutes."},
};

}  // namespace

constinit const std::span<const Entry> kProgramsEn{kEntries};

}  // namespace sekisho::guide
