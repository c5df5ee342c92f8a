// The connection to one milter for one SMTP session: the dialogue's shell. For chain.cc only.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "message/header.h"
#include "milter/chain.h"
#include "milter/changes.h"
#include "milter/dialogue.h"
#include "milter/milter.h"
#include "net/stream.h"
#include "net/task.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::milter {

// Everything here is called on the session's executor. Errors: the milter is away.
class Link {
  public:
    Link(std::shared_ptr<Milter> milter, net::Executor executor, std::size_t body_max)
        : milter_(std::move(milter)), executor_(std::move(executor)), body_max_(body_max) {}

    [[nodiscard]] Milter& milter() { return *milter_; }
    // Whether it wants to know more of the message under way.
    [[nodiscard]] bool takes_part() const { return takes_part_; }
    void leave_out() { takes_part_ = false; }

    net::Task<Result<Answer>> begin(std::shared_ptr<const Told> told);
    net::Task<Result<Answer>> rcpt(
        std::string path, std::vector<std::string> parameters, std::shared_ptr<const Macros> macros
    );
    net::Task<Result<Answer>> content(std::shared_ptr<const Content> content);
    [[nodiscard]] Changes take_changes() { return dialogue_->take_changes(); }
    [[nodiscard]] bool leading_space() const { return dialogue_->leading_space(); }
    void client_changed() { other_client_ = true; }
    net::Task<void> end();
    // The connection is of no more use.
    void lose();

  private:
    net::Task<Status> open();
    net::Task<Result<Answer>> introduce(std::shared_ptr<const Told> told);
    net::Task<Result<Answer>> tell_content(std::shared_ptr<const Content> content);
    // The answer to what was told last.
    net::Task<Result<Answer>> ask(Duration patience);
    net::Task<Status> flush(Duration patience);

    const std::shared_ptr<Milter> milter_;
    const net::Executor executor_;
    const std::size_t body_max_;
    std::unique_ptr<net::Stream> stream_;
    std::unique_ptr<Dialogue> dialogue_;
    bool connect_told_ = false, other_client_ = false, mail_open_ = false, takes_part_ = false;
    std::string helo_;     // as told, with `secured`
    Answer about_client_;  // to connect and HELO, for all messages of the session
};

}  // namespace sekisho::milter
