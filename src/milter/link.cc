#include "milter/link.h"

#include "base/result.h"
#include "base/time.h"
#include "message/header.h"
#include "milter/chain.h"
#include "milter/dialogue.h"
#include "milter/milter.h"
#include "net/stream.h"
#include "net/task.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::milter {
namespace {

using Kind = Answer::Kind;

constexpr std::size_t kFlushAt = 64UL * 1024;
constexpr Duration kGoodbye{2'000};

Duration left(std::chrono::steady_clock::time_point until) {
    return std::max(
        std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now()), Duration{1}
    );
}

}  // namespace

void Link::lose() {
    if (stream_) {
        stream_->close();
    }
    stream_.reset();
    dialogue_.reset();
    connect_told_ = other_client_ = mail_open_ = takes_part_ = false;
    helo_.clear();
    about_client_ = {};
}

net::Task<Status> Link::open() {
    const auto began = std::chrono::steady_clock::now();
    const std::string away = milter_->away(began);
    if (!away.empty()) {
        co_return fail(Errc::Unavailable, away);
    }
    auto connected = co_await connect(executor_, milter_->config());
    Status open = {};
    if (!connected) {
        open = fail(connected.error());
    } else {
        stream_ = std::move(*connected);
        dialogue_ = std::make_unique<Dialogue>(body_max_);
        const auto negotiated = co_await ask(milter_->config().connect_timeout);
        if (!negotiated) {
            open = fail(negotiated.error());
        }
    }
    if (!open) {
        lose();
        milter_->note_away(open.error().message, std::chrono::steady_clock::now());
    } else {
        milter_->note_back();
    }
    co_return open;
}

net::Task<Status> Link::flush(Duration patience) {
    const std::string output = dialogue_->take_output();
    if (output.empty()) {
        co_return Status{};
    }
    stream_->expires_after(patience);
    const Status written = co_await stream_->write_all(output);
    co_return written;
}

net::Task<Result<Answer>> Link::ask(Duration patience) {
    auto until = std::chrono::steady_clock::now() + patience;
    std::array<char, 8192> buffer{};
    while (dialogue_->waits()) {
        const Status written = co_await flush(left(until));
        if (!written) {
            co_return fail(written.error());
        }
        stream_->expires_after(left(until));
        const Result<std::size_t> got = co_await stream_->read_some(buffer);
        if (!got) {
            co_return fail(got.error());
        }
        const Status taken = dialogue_->receive(std::string_view(buffer.data(), *got));
        if (!taken) {
            co_return fail(taken.error());
        }
        if (dialogue_->take_progress()) {
            until = std::chrono::steady_clock::now() + patience;
        }
    }
    if (dialogue_->pending() > kFlushAt) {
        const Status written = co_await flush(left(until));
        if (!written) {
            co_return fail(written.error());
        }
    }
    co_return dialogue_->take_answer();
}

// A connection that was kept since the last message may have been closed meanwhile: that is no
// reason to call the milter away.
net::Task<Result<Answer>> Link::begin(std::shared_ptr<const Told> told) {
    takes_part_ = false;
    if (other_client_ && (!dialogue_ || !dialogue_->new_client())) {
        lose();
    } else if (other_client_) {
        other_client_ = connect_told_ = mail_open_ = false;
        helo_.clear();
        about_client_ = {};
    }
    if (stream_) {
        auto kept = co_await introduce(told);
        if (kept) {
            co_return kept;
        }
        lose();
    }
    const Status opened = co_await open();
    if (!opened) {
        co_return fail(opened.error());
    }
    auto answer = co_await introduce(std::move(told));
    co_return answer;
}

net::Task<Result<Answer>> Link::introduce(std::shared_ptr<const Told> told) {
    const Duration patience = milter_->config().command_timeout;
    if (mail_open_) {
        dialogue_->abort();
        mail_open_ = false;
    }
    if (!connect_told_) {
        dialogue_->connect(told->client, told->macros);
        auto answer = co_await ask(patience);
        if (!answer) {
            co_return answer;
        }
        connect_told_ = true;
        about_client_ = std::move(*answer);
    }
    const std::string hello = told->helo + " " + told->secured;
    if (about_client_.kind == Kind::Continue && hello != helo_) {
        dialogue_->helo(told->helo, told->macros);
        auto answer = co_await ask(patience);
        if (!answer) {
            co_return answer;
        }
        helo_ = hello;
        about_client_ = std::move(*answer);
    }
    if (about_client_.kind == Kind::Accept) {
        co_return Answer{};
    }
    if (about_client_.kind != Kind::Continue) {
        co_return about_client_;
    }
    dialogue_->mail(told->sender, told->parameters, told->macros);
    mail_open_ = true;
    auto answer = co_await ask(patience);
    takes_part_ = answer && answer->kind == Kind::Continue;
    co_return answer;
}

net::Task<Result<Answer>> Link::rcpt(
    std::string path, std::vector<std::string> parameters, std::shared_ptr<const Macros> macros
) {
    dialogue_->rcpt(path, parameters, *macros);
    auto answer = co_await ask(milter_->config().command_timeout);
    // Refused is this recipient only.
    if (!answer || answer->kind == Kind::Accept || answer->kind == Kind::Discard) {
        takes_part_ = false;
    }
    co_return answer;
}

net::Task<Result<Answer>> Link::content(std::shared_ptr<const Content> content) {
    const auto began = std::chrono::steady_clock::now();
    auto answer = co_await tell_content(std::move(content));
    if (answer) {
        milter_->counters().took.count(std::chrono::steady_clock::now() - began);
    }
    takes_part_ = false;
    co_return answer;
}

net::Task<Result<Answer>> Link::tell_content(std::shared_ptr<const Content> content) {
    const Duration patience = milter_->config().command_timeout;
    dialogue_->data(content->macros);
    auto answer = co_await ask(patience);
    if (!answer || answer->kind != Kind::Continue) {
        co_return answer;
    }
    const auto header = message::Header::scan(content->message);
    for (const message::Field& field : header.fields()) {
        dialogue_->field(field.name, field.raw);
        answer = co_await ask(patience);
        if (!answer || answer->kind != Kind::Continue) {
            co_return answer;
        }
    }
    dialogue_->end_of_fields(content->macros);
    answer = co_await ask(patience);
    if (!answer || answer->kind != Kind::Continue) {
        co_return answer;
    }
    std::string_view body = std::string_view(content->message).substr(header.body_offset());
    while (!body.empty() && dialogue_->wants_body()) {
        dialogue_->body(body.substr(0, Dialogue::kChunkMax));
        body.remove_prefix(std::min(body.size(), Dialogue::kChunkMax));
        answer = co_await ask(patience);
        if (!answer || answer->kind != Kind::Continue) {
            co_return answer;
        }
    }
    dialogue_->end_of_message(content->macros);
    mail_open_ = false;
    answer = co_await ask(milter_->config().content_timeout);
    co_return answer;
}

net::Task<void> Link::end() {
    if (!stream_) {
        co_return;
    }
    if (!dialogue_->waits()) {
        if (mail_open_) {
            dialogue_->abort();
        }
        dialogue_->quit();
        const Status written = co_await flush(kGoodbye);
        static_cast<void>(written);
    }
    lose();
}

}  // namespace sekisho::milter
