// Whole sessions as scripts: tests/golden/smtp/NAME.in is what a client and the shell do, NAME.ref
// what came of it. SEKISHO_UPDATE_GOLDEN=1 writes the .ref files anew. Each script is also run
// octet by octet: the transcript must be the same.
//
//   @ KEY VALUE   an option: service submission|exchange, tls implicit|none, size, line,
//   recipients,
//                 bad, idle, auth-failures, early, guide, submission-host, reference,
//                 binary, priority, requiretls, xclient (offered when given), by (the least, in
//                 seconds), hold (the longest, in seconds; the session begins at
//                 2026-11-24T12:00:00Z)
//   C: TEXT       the client sends TEXT and CRLF; after "C+: TEXT" lines in one piece with them
//   C> TEXT       the same without CRLF; \r \n \0 \\ and \xNN are escapes; "*N" repeats it N times
//   R: REPLY      the answer to the next question of the shell's that isn't "yes"; "R: ok" is yes
//   A: challenge TEXT | accept LOGIN | refuse REPLY   answers to AUTH, in order
//   T: fail       the next TLS handshake fails;   X: timeout   the client is silent for too long
#include "base/bytes.h"
#include "base/time.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::smtp {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 >= text.size()) {
            out.push_back(text[i]);
            continue;
        }
        switch (text[++i]) {
            case 'r':
                out.push_back('\r');
                break;
            case 'n':
                out.push_back('\n');
                break;
            case '0':
                out.push_back('\0');
                break;
            case 'x':
                out += unhex(text.substr(i + 1, 2)).value_or("?");
                i += 2;
                break;
            default:
                out.push_back(text[i]);
        }
    }
    return out;
}

Reply parse_reply(std::string_view text) {
    ReplyReader reader;
    reader.receive(std::string(text) + "\r\n");
    return (*reader.next()).value_or(Reply{});
}

class Script {
  public:
    Script(std::string_view text, bool by_octet) : by_octet_(by_octet) {
        for (const std::string_view line : split(text, '\n')) {
            if (line.starts_with("@ ")) {
                const std::size_t space = line.find(' ', 2);
                keys_[std::string(line.substr(2, space - 2))] = line.substr(space + 1);
            } else if (!line.empty() && !line.starts_with("#")) {
                lines_.emplace_back(line);
            }
        }
        // Answers are for questions that come later in the session.
        for (const std::string& line : lines_) {
            if (line.starts_with("R: ")) {
                answers_.push_back(line.substr(3));
            } else if (line.starts_with("A: ")) {
                auth_.push_back(line.substr(3));
            } else if (line.starts_with("T: ")) {
                tls_.push_back(line.substr(3));
            }
        }
    }

    std::string run() {
        ServerSession session(options());
        session.start(keys_.contains("early"));
        drive(session);
        for (const std::string& line : lines_) {
            if (line == "X: timeout") {
                session.timed_out();
                note("X: timeout");
                drive(session);
            }
            if (!line.starts_with("C")) {
                continue;
            }
            note(line);
            pending_ += bytes_of(line);
            if (line.starts_with("C+: ")) {
                continue;
            }
            for (std::size_t at = 0; at < pending_.size(); at += by_octet_ ? 1 : pending_.size()) {
                session.receive(by_octet_ ? std::string_view(pending_).substr(at, 1) : pending_);
                drive(session);
            }
            pending_.clear();
        }
        for (const ServerSession::Refusal& refusal : session.take_refusals()) {
            note("refusal: " + refusal.command + " " + refusal.reply.text());
        }
        return out_;
    }

  private:
    std::string key(const char* name, const char* fallback) const {
        const auto at = keys_.find(name);
        return at == keys_.end() ? fallback : at->second;
    }
    unsigned number(const char* name, const char* fallback) const {
        return static_cast<unsigned>(std::stoul(key(name, fallback)));
    }
    ServerOptions options() const {
        ServerOptions out;
        out.service =
            key("service", "exchange") == "submission" ? Service::Submission : Service::Exchange;
        out.hostname = "mail.example.net";
        out.message_size_max = number("size", "10000");
        out.line_length_max = number("line", "1000");
        out.recipients_max = number("recipients", "100");
        out.bad_commands_max = number("bad", "10");
        out.idle_commands_max = number("idle", "100");
        out.auth_failures_max = number("auth-failures", "3");
        out.implicit_tls = key("tls", "") == "implicit";
        out.tls_available = key("tls", "") != "none";
        out.mechanisms = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
        out.guide_url = key("guide", "");
        out.submission_host = key("submission-host", "");
        out.reference = key("reference", "");
        out.future_release_max = std::chrono::seconds{number("hold", "0")};
        out.binarymime = keys_.contains("binary");
        out.xclient = keys_.contains("xclient");
        out.priority = keys_.contains("priority");
        out.require_tls = keys_.contains("requiretls");
        if (keys_.contains("by")) {
            out.deliver_by_min = std::chrono::seconds{number("by", "0")};
        }
        out.began = *parse_rfc3339("2026-11-24T12:00:00Z");
        return out;
    }
    static std::string bytes_of(const std::string& line) {
        if (line.starts_with("C+: ") || line.starts_with("C: ") || line == "C:") {
            return line.substr(std::min(line.find(' ') + 1, line.size())).append("\r\n");
        }
        std::string text = line.substr(std::min<std::size_t>(3, line.size()));
        std::size_t times = 1;
        if (const std::size_t star = text.rfind('*');
            star != std::string::npos && star + 1 < text.size() &&
            std::all_of(text.begin() + static_cast<long>(star) + 1, text.end(), [](char c) {
                return c >= '0' && c <= '9';
            })) {
            times = std::stoul(text.substr(star + 1));
            text.resize(star);
        }
        std::string out;
        const std::string one = unescape(text);
        for (std::size_t i = 0; i < times; ++i) {
            out += one;
        }
        return out;
    }
    void note(const std::string& line) { out_ += line + "\n"; }
    // Of the extensions that change what is done with the message.
    static std::string asked_for(const MailParameters& mail) {
        std::string out;
        if (mail.body == Body::Binary) {
            out += " binary";
        }
        if (mail.deliver_by) {
            out += std::string(mail.deliver_by->notify ? " notify" : " return") + " by " +
                   std::to_string(mail.deliver_by->time.count()) +
                   (mail.deliver_by->trace ? " traced" : "");
        }
        if (mail.priority) {
            out += " priority " + std::to_string(*mail.priority);
        }
        return out + (mail.require_tls ? " TLS required" : "");
    }
    Reply next_answer(int code, const char* enhanced) {
        std::string text = "ok";
        if (!answers_.empty()) {
            text = answers_.front();
            answers_.pop_front();
        }
        return text == "ok" ? reply(code, enhanced, "Ok") : parse_reply(text);
    }
    void auth(ServerSession& session) {
        ASSERT_FALSE(auth_.empty()) << "the script has no answer to AUTH";
        const std::string what = auth_.front();
        auth_.pop_front();
        if (what.starts_with("challenge")) {
            session.auth_challenge(what.size() > 10 ? what.substr(10) : "");
        } else if (what.starts_with("accept ")) {
            session.auth_accepted(what.substr(7));
        } else {
            session.auth_refused(parse_reply(what.substr(7)));
        }
    }
    void drive(ServerSession& session) {
        while (true) {
            ServerSession::Action action = session.next();
            if (auto* send = std::get_if<ServerSession::Send>(&action)) {
                for (const std::string_view line : split(std::string_view(send->bytes), '\n')) {
                    if (!line.empty()) {
                        EXPECT_TRUE(line.ends_with('\r'));
                        note("S: " + std::string(line.substr(0, line.size() - 1)));
                    }
                }
                note("--");
            } else if (std::holds_alternative<ServerSession::Read>(action)) {
                return;
            } else if (std::holds_alternative<ServerSession::Close>(action)) {
                if (!closed_) {
                    note("! close");
                }
                closed_ = true;
                return;
            } else {
                perform(session, action);
            }
        }
    }
    void perform(ServerSession& session, ServerSession::Action& action) {
        if (std::holds_alternative<ServerSession::StartTls>(action)) {
            const bool ok = tls_.empty();
            note(ok ? "! TLS" : "! TLS fails");
            session.tls_started(ok);
        } else if (auto* first = std::get_if<ServerSession::Authenticate>(&action)) {
            note(
                "! AUTH " + first->mechanism +
                (first->initial ? " [" + printable(*first->initial) + "]" : "")
            );
            auth(session);
        } else if (auto* more = std::get_if<ServerSession::AuthContinue>(&action)) {
            note("! AUTH continues [" + printable(more->response) + "]");
            auth(session);
        } else if (auto* told = std::get_if<ServerSession::TakeClient>(&action)) {
            note("! client is " + (told->told.address ? told->told.address->text() : "the peer"));
            session.client_taken(std::nullopt);
        } else if (std::holds_alternative<ServerSession::AuthCancelled>(action)) {
            note("! AUTH cancelled");
        } else if (std::holds_alternative<ServerSession::CheckMail>(action)) {
            note(
                "? MAIL <" + session.transaction().reverse_path() + ">" +
                asked_for(session.transaction().mail)
            );
            session.answer(next_answer(250, "2.1.0"));
        } else if (auto* to = std::get_if<ServerSession::CheckRcpt>(&action)) {
            note("? RCPT <" + to->recipient.address.text() + ">");
            session.answer(next_answer(250, "2.1.5"));
        } else if (auto* mail = std::get_if<ServerSession::Deliver>(&action)) {
            note(
                "? message from <" + mail->transaction.reverse_path() + "> to " +
                std::to_string(mail->transaction.recipients.size()) + " with " +
                session.protocol() + ": [" + printable(mail->message) + "]"
            );
            session.answer(next_answer(250, "2.0.0"));
        }
    }

    bool by_octet_;
    bool closed_ = false;
    std::map<std::string, std::string> keys_;
    std::vector<std::string> lines_;
    std::deque<std::string> answers_, auth_, tls_;
    std::string pending_;
    std::string out_;
};

// What the server sent, then what it asked of the shell: how the two interleave, what left in one
// Send, and where the client's lines stand depends on the cuts; nothing else may.
std::string by_side(const std::string& transcript) {
    std::string sent;
    std::string asked;
    for (const std::string_view line : split(transcript, '\n')) {
        if (line.starts_with("S: ")) {
            sent += std::string(line) + "\n";
        } else if (line != "--" && !line.starts_with("C")) {
            asked += std::string(line) + "\n";
        }
    }
    return sent + asked;
}

TEST(TranscriptTest, GoldenSessions) {
    const fs::path folder = fs::path(SEKISHO_SOURCE_DIR) / "tests/golden/smtp";
    const bool update =
        std::getenv("SEKISHO_UPDATE_GOLDEN") != nullptr;  // NOLINT(concurrency-mt-unsafe)
    int seen = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() != ".in") {
            continue;
        }
        ++seen;
        SCOPED_TRACE(entry.path().filename().string());
        const std::string text = slurp(entry.path());
        const std::string transcript = Script(text, false).run();
        fs::path ref = entry.path();
        ref.replace_extension(".ref");
        if (update) {
            std::ofstream(ref, std::ios::binary) << transcript;
        }
        EXPECT_EQ(transcript, slurp(ref));
        if (!text.contains("@ split no")) {
            EXPECT_EQ(by_side(Script(text, true).run()), by_side(transcript));
        }
    }
    EXPECT_GE(seen, 20);
}

}  // namespace
}  // namespace sekisho::smtp
