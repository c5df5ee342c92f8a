// The milters of one SMTP session, asked in order. The first that refuses or discards decides; what
// one changes the next one sees. Used on one executor.
#pragma once

#include "base/result.h"
#include "milter/changes.h"
#include "milter/dialogue.h"
#include "milter/milter.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::milter {

// Who sends, as milters are told.
struct Told {
    Dialogue::Client client;
    std::string helo;
    std::string secured;  // TLS version and cipher: another one makes another HELO
    std::string sender;   // with angle brackets
    std::vector<std::string> parameters;
    Macros macros;  // all that are known by now
};

struct Verdict {
    enum class Kind : std::uint8_t { Pass, Refuse, Discard };
    Kind kind = Kind::Pass;
    smtp::Reply reply;    // Refuse
    std::string milter;   // whose word it is
    bool closes = false;  // the client's connection is to end
    bool away = false;    // Refuse: it couldn't be asked
};

// A whole message after all milters have seen it.
struct Judged {
    Verdict verdict;
    std::string message;
    struct Envelope {
        std::string milter;
        std::optional<Changes::Path> sender;
        std::vector<Changes::Path> added;
        std::vector<std::string> removed;
    };
    std::vector<Envelope> envelope;    // in order
    std::string hold;                  // why it is to be held; empty: it isn't
    std::string spam;                  // who says that it is spam, and how; empty: nobody does
    std::vector<std::string> changed;  // by whom
};

struct Content {
    std::string message;
    bool binary = false;  // BINARYMIME: lines of the body end as they like
    Macros macros;
};

class Link;

class Chain {
  public:
    Chain(
        const std::vector<std::shared_ptr<Milter>>& milters,
        net::Executor executor,
        std::size_t message_size_max
    );
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    ~Chain();

    // A transaction begins: connection and HELO are told when they haven't been, then MAIL.
    net::Task<Verdict> mail(std::shared_ptr<const Told> told);
    net::Task<Verdict> rcpt(
        std::string path, std::vector<std::string> parameters, std::shared_ptr<const Macros> macros
    );
    // `content` is used up.
    net::Task<Judged> message(std::shared_ptr<Content> content);
    // XCLIENT: somebody else is at the other end.
    void client_changed();
    // Takes leave of them.
    net::Task<void> end();

  private:
    std::vector<std::unique_ptr<Link>> links_;
};

}  // namespace sekisho::milter
