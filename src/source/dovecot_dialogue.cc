#include "source/dovecot_dialogue.h"

#include "account/digest.h"
#include "base/bytes.h"
#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::source {
namespace {

constexpr std::size_t kLineMax = 8192;
constexpr std::size_t kLinesMax = 200;
constexpr std::string_view kRequest = "1";

// "\t", a line end and what escapes them are written with \001 before them.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\x01' || i + 1 == text.size()) {
            out.push_back(text[i]);
            continue;
        }
        switch (text[++i]) {
            case '0':
                out.push_back('\0');
                break;
            case '1':
                out.push_back('\x01');
                break;
            case 't':
                out.push_back('\t');
                break;
            case 'r':
                out.push_back('\r');
                break;
            case 'n':
                out.push_back('\n');
                break;
            default:
                out.push_back(text[i]);
        }
    }
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '\0':
                out +=
                    "\x01"
                    "0";
                break;
            case '\x01':
                out +=
                    "\x01"
                    "1";
                break;
            case '\t':
                out += "\x01t";
                break;
            case '\r':
                out += "\x01r";
                break;
            case '\n':
                out += "\x01n";
                break;
            default:
                out.push_back(c);
        }
    }
    return out;
}

}  // namespace

DovecotDialogue::DovecotDialogue(std::string login, std::string password)
    : login_(std::move(login)),
      password_(std::move(password)),
      output_("VERSION\t1\t2\nCPID\t1\n") {}

DovecotDialogue::~DovecotDialogue() {
    account::wipe(password_);
    account::wipe(output_);
}

std::string DovecotDialogue::take_output() {
    return std::exchange(output_, {});
}

void DovecotDialogue::end(Errc code, std::string why) {
    if (!outcome_) {
        outcome_ = fail(code, std::move(why));
    }
}

Result<std::optional<std::string>> DovecotLines::next() {
    const std::size_t at = input_.find('\n');
    if (at == std::string::npos) {
        if (input_.size() > kLineMax) {
            return fail(Errc::Unavailable, "a line of it has no end");
        }
        return std::optional<std::string>{};
    }
    std::optional<std::string> text = input_.substr(0, at);
    input_.erase(0, at + 1);
    if (++taken_ > kLinesMax) {
        return fail(Errc::Unavailable, "it says too much");
    }
    return text;
}

void DovecotDialogue::receive(std::string_view bytes) {
    lines_.add(bytes);
    while (!outcome_) {
        const auto next = lines_.next();
        if (!next) {
            end(Errc::Unavailable, next.error().message);
        } else if (!*next) {
            return;
        } else {
            line(**next);
        }
    }
}

void DovecotDialogue::line(std::string_view text) {
    const std::size_t tab = text.find('\t');
    const std::string_view word = text.substr(0, tab);
    const std::string_view rest =
        tab == std::string_view::npos ? std::string_view{} : text.substr(tab + 1);
    if (word == "VERSION" && split(rest, '\t').front() != "1") {
        end(Errc::Unavailable, "it speaks another version of the protocol");
    } else if (word == "MECH" && split(rest, '\t').front() == "PLAIN") {
        plain_ = true;
    } else if (word == "DONE" && !asked_) {
        if (!plain_) {
            end(Errc::Unavailable, "it does not offer PLAIN");
            return;
        }
        asked_ = true;
        // resp must be the last parameter.
        // Guessing is slowed where it is seen, by conduct::LoginGuard: Dovecot knows one client,
        // us, and would hold up everybody for the failures of one.
        output_ = "AUTH\t" + std::string(kRequest) +
                  "\tPLAIN\tservice=smtp\tsecured\tno-penalty\tresp=" +
                  base64(std::string(1, '\0') + login_ + std::string(1, '\0') + password_) + "\n";
        account::wipe(password_);
    } else if (asked_ && (word == "OK" || word == "FAIL")) {
        answer(word == "OK", rest);
    } else if (asked_ && word == "CONT") {
        end(Errc::Unavailable, "it goes on asking after PLAIN");
    }
    // Other words (SPID, CUID, COOKIE, what later versions say) are of no use here.
}

void DovecotDialogue::answer(bool good, std::string_view parameters) {
    std::string user = login_;
    bool first = true;
    bool for_now = false;
    for (const std::string_view one : split(parameters, '\t')) {
        if (first) {
            first = false;
            if (one != kRequest) {
                return;  // of no request of ours
            }
        } else if (one.starts_with("user=")) {
            user = to_lower(unescaped(one.substr(5)));
        } else if (one == "temp") {
            for_now = true;
        }
    }
    if (good && !user.empty()) {
        outcome_ = std::move(user);
    } else if (good || for_now) {
        end(Errc::Unavailable, "it has a temporary failure");
    } else {
        end(Errc::Denied, "the password is wrong, or nobody has the name");
    }
}

// The client speaks first too, and needs nothing of what the server begins with.
std::string DovecotLookup::take_output() {
    if (std::exchange(asked_, true)) {
        return {};
    }
    return "VERSION\t1\t1\nUSER\t" + std::string(kRequest) + "\t" + escaped(user_) +
           "\tservice=smtp\n";
}

void DovecotLookup::end(Errc code, std::string why) {
    if (!outcome_) {
        outcome_ = fail(code, std::move(why));
    }
}

void DovecotLookup::receive(std::string_view bytes) {
    lines_.add(bytes);
    while (!outcome_) {
        const auto next = lines_.next();
        if (!next) {
            end(Errc::Unavailable, next.error().message);
        } else if (!*next) {
            return;
        } else {
            line(**next);
        }
    }
}

void DovecotLookup::line(std::string_view text) {
    const auto parts = split(text, '\t');
    const std::string_view word = parts.front();
    if (word == "VERSION" && (parts.size() < 2 || parts[1] != "1")) {
        end(Errc::Unavailable, "it speaks another version of the protocol");
        return;
    }
    if (parts.size() < 2 || parts[1] != kRequest) {
        return;  // SPID, and what is of no request of ours
    }
    if (word == "USER" && parts.size() > 2 && !parts[2].empty()) {
        outcome_ = to_lower(unescaped(parts[2]));
    } else if (word == "NOTFOUND") {
        end(Errc::NotFound, "nobody has the name");
    } else if (word == "USER" || word == "FAIL") {
        end(Errc::Unavailable, "it can't look users up now");
    }
}

}  // namespace sekisho::source
