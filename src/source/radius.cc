#include "source/radius.h"

#include "account/account.h"
#include "account/digest.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "config/config.h"
#include "net/task.h"
#include "net/udp_client.h"
#include "source/radius_packet.h"
#include "source/source.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::source {
namespace {

class RadiusSource final : public Source {
  public:
    RadiusSource(config::AccountSource config, const Endpoint& server)
        : config_(std::move(config)), server_(server) {}

    [[nodiscard]] const std::string& name() const override { return config_.name; }

    net::Task<Result<account::Account>> log_in(
        net::Executor executor, std::string login, std::string password
    ) override {
        const std::string random = random_bytes(17);
        const auto asked = std::make_shared<RadiusLogin>();
        asked->login = login;
        asked->password = std::move(password);
        asked->secret = config_.secret;
        asked->nas_identifier = "sekisho";
        asked->id = static_cast<std::uint8_t>(random[0]);
        asked->authenticator = random.substr(1);
        auto packet = access_request(*asked);
        account::wipe(asked->password);
        if (!packet) {
            co_return fail(Errc::Denied, packet.error().message);
        }
        net::UdpQuestion question;
        question.to = server_;
        question.bytes = std::move(*packet);
        question.timeout = config_.timeout;
        question.is_answer = [asked](std::string_view bytes) {
            return read_response(bytes, *asked).has_value();
        };
        const Result<std::string> answer =
            co_await net::ask_udp(std::move(executor), std::move(question));
        if (!answer) {
            co_return fail(Errc::Unavailable, answer.error().message);
        }
        if (read_response(*answer, *asked) != RadiusAnswer::Accept) {
            co_return fail(Errc::Denied, "the server rejects it");
        }
        co_return make_account(login, {}, config_.addresses);
    }

  private:
    const config::AccountSource config_;
    const Endpoint server_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_radius(const config::AccountSource& config) {
    const auto server = Endpoint::parse(config.server);
    if (!server) {
        return fail(Errc::Invalid, "server: " + server.error().message);
    }
    if (config.secret.empty()) {
        return fail(Errc::Invalid, "secret is missing");
    }
    return std::make_unique<RadiusSource>(config, *server);
}

}  // namespace sekisho::source
