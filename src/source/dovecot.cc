#include "source/dovecot.h"

#include "account/account.h"
#include "account/digest.h"
#include "base/result.h"
#include "config/config.h"
#include "net/stream.h"
#include "net/task.h"
#include "source/dovecot_dialogue.h"
#include "source/source.h"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::source {
namespace {

class DovecotSource final : public Source {
  public:
    explicit DovecotSource(config::AccountSource config) : config_(std::move(config)) {}

    [[nodiscard]] const std::string& name() const override { return config_.name; }

    // A connection for each login: on a local socket it costs less than keeping one in order.
    net::Task<Result<account::Account>> log_in(
        net::Executor executor, std::string login, std::string password
    ) override {
        auto connected =
            co_await net::connect_unix(std::move(executor), config_.server, config_.timeout);
        if (!connected) {
            account::wipe(password);
            co_return fail(away(connected.error()));
        }
        const auto dialogue =
            std::make_unique<DovecotDialogue>(login, std::exchange(password, std::string{}));
        const std::unique_ptr<net::Stream> stream = std::move(*connected);
        stream->expires_after(config_.timeout);
        std::array<char, 4096> buffer{};
        while (!dialogue->outcome()) {
            std::string output = dialogue->take_output();
            if (!output.empty()) {
                const Status written = co_await stream->write_all(output);
                account::wipe(output);
                if (!written) {
                    co_return fail(away(written.error()));
                }
            }
            const Result<std::size_t> got = co_await stream->read_some(buffer);
            if (!got) {
                co_return fail(away(got.error()));
            }
            dialogue->receive(std::string_view(buffer.data(), *got));
        }
        const Result<std::string>& user = *dialogue->outcome();
        if (!user) {
            const bool denied = user.error().code == Errc::Denied;
            co_return fail(denied ? user.error() : away(user.error()));
        }
        // As Dovecot calls him: under whichever name he came, he is one account.
        co_return make_account(*user, {}, config_.addresses);
    }

    [[nodiscard]] bool finds() const override {
        return config_.recipients && !config_.userdb.empty();
    }

    net::Task<Result<account::Account>> find(net::Executor executor, std::string address) override {
        auto connected =
            co_await net::connect_unix(std::move(executor), config_.userdb, config_.timeout);
        if (!connected) {
            co_return fail(away(connected.error()));
        }
        const auto lookup = std::make_unique<DovecotLookup>(address);
        const std::unique_ptr<net::Stream> stream = std::move(*connected);
        stream->expires_after(config_.timeout);
        std::array<char, 4096> buffer{};
        const std::string question = lookup->take_output();
        const Status written = co_await stream->write_all(question);
        if (!written) {
            co_return fail(away(written.error()));
        }
        while (!lookup->outcome()) {
            const Result<std::size_t> got = co_await stream->read_some(buffer);
            if (!got) {
                co_return fail(away(got.error()));
            }
            lookup->receive(std::string_view(buffer.data(), *got));
        }
        const Result<std::string>& user = *lookup->outcome();
        if (!user) {
            const bool nobody = user.error().code == Errc::NotFound;
            co_return fail(nobody ? user.error() : away(user.error()));
        }
        co_return make_account(*user, {}, config_.addresses);
    }

  private:
    [[nodiscard]] Error away(const Error& error) const {
        return {Errc::Unavailable, config_.server + ": " + error.message};
    }

    const config::AccountSource config_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_dovecot(const config::AccountSource& config) {
    if (!config.server.starts_with('/')) {
        return fail(Errc::Invalid, "server is no path of a socket");
    }
    return std::make_unique<DovecotSource>(config);
}

}  // namespace sekisho::source
