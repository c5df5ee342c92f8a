#include "account/sasl_client.h"

#include "account/digest.h"
#include "account/sasl.h"
#include "account/saslprep.h"
#include "account/scram_message.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

class Plain final : public SaslClient {
  public:
    explicit Plain(ClientLogin who) : who_(std::move(who)) {}
    ~Plain() override { wipe(who_.password); }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    std::optional<std::string> start() override {
        std::string message;
        message += '\0';
        message += who_.login;
        message += '\0';
        message += who_.password;
        return message;
    }
    Result<std::string> step(std::string_view /*challenge*/) override {
        return fail(Errc::Invalid, "the server asks for more than PLAIN has");
    }
    [[nodiscard]] bool complete() const override { return true; }

  private:
    ClientLogin who_;
};

// Two questions, whose texts differ from server to server and say nothing that their order doesn't.
class Login final : public SaslClient {
  public:
    explicit Login(ClientLogin who) : who_(std::move(who)) {}
    ~Login() override { wipe(who_.password); }
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;

    std::optional<std::string> start() override { return std::nullopt; }
    Result<std::string> step(std::string_view /*challenge*/) override {
        switch (asked_++) {
            case 0:
                return who_.login;
            case 1:
                return who_.password;
            default:
                return fail(Errc::Invalid, "the server asks for more than LOGIN has");
        }
    }
    [[nodiscard]] bool complete() const override { return asked_ == 2; }

  private:
    ClientLogin who_;
    int asked_ = 0;
};

std::string encode_saslname(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == ',') {
            out += "=2C";
        } else if (c == '=') {
            out += "=3D";
        } else {
            out += c;
        }
    }
    return out;
}

// RFC 5802 §5: both sides prepare. What can't be prepared is sent as it is; a server that takes it
// does the same.
std::string prepared(const std::string& text) {
    auto result = saslprep(text);
    return result ? std::move(*result) : text;
}

class Scram final : public SaslClient {
  public:
    Scram(ClientLogin who, std::string nonce, std::string gs2_header, std::string binding)
        : password_(prepared(who.password)),
          nonce_(std::move(nonce)),
          gs2_header_(std::move(gs2_header)),
          binding_(std::move(binding)),
          bare_("n=" + encode_saslname(prepared(who.login)) + ",r=" + nonce_) {
        wipe(who.password);
    }
    ~Scram() override { wipe(password_); }
    Scram(const Scram&) = delete;
    Scram& operator=(const Scram&) = delete;

    std::optional<std::string> start() override { return gs2_header_ + bare_; }

    Result<std::string> step(std::string_view challenge) override {
        switch (state_) {
            case State::First:
                return prove(challenge);
            case State::Final:
                return check(challenge);
            case State::Done:
                break;
        }
        return fail(Errc::Invalid, "the server goes on after the end of SCRAM");
    }
    [[nodiscard]] bool complete() const override { return state_ == State::Done; }

  private:
    Result<std::string> prove(std::string_view challenge) {
        const auto first = parse_scram_server_first(challenge);
        if (!first) {
            return fail(first.error());
        }
        if (!first->nonce.starts_with(nonce_) || first->nonce.size() == nonce_.size()) {
            return fail(Errc::Invalid, "SCRAM: the server's nonce doesn't continue ours");
        }
        if (first->iterations > kScramIterationsMax) {
            return fail(
                Errc::Invalid,
                "SCRAM: the server asks for " + std::to_string(first->iterations) + " iterations"
            );
        }
        std::string salted = pbkdf2_sha256(password_, first->salt, first->iterations);
        std::string client_key = hmac_sha256(salted, "Client Key");
        const std::string without = "c=" + base64(gs2_header_ + binding_) + ",r=" + first->nonce;
        const std::string signed_text = bare_ + "," + std::string(challenge) + "," + without;
        std::string proof = hmac_sha256(sha256(client_key), signed_text);
        for (std::size_t i = 0; i < proof.size(); ++i) {
            proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
        }
        expected_ = hmac_sha256(hmac_sha256(salted, "Server Key"), signed_text);
        wipe(salted);
        wipe(client_key);
        state_ = State::Final;
        return without + ",p=" + base64(proof);
    }

    // RFC 5802 §7: "v=" and the server's signature, or "e=" and why not.
    Result<std::string> check(std::string_view challenge) {
        if (challenge.starts_with("e=")) {
            return fail(Errc::Invalid, "SCRAM: " + printable(challenge.substr(2), 100));
        }
        const std::string_view value = challenge.substr(0, challenge.find(','));
        const auto signature =
            value.starts_with("v=") ? unbase64(value.substr(2)) : std::optional<std::string>{};
        if (!signature || !equal_in_constant_time(*signature, expected_)) {
            return fail(Errc::Invalid, "SCRAM: the server doesn't know the password");
        }
        state_ = State::Done;
        return std::string();
    }

    enum class State : std::uint8_t { First, Final, Done };
    State state_ = State::First;
    std::string password_, nonce_, gs2_header_, binding_, bare_, expected_;
};

constexpr const char* kBinding = "tls-exporter";  // RFC 9266

}  // namespace

std::optional<Mechanism> choose_mechanism(
    const std::vector<std::string>& offered, const ChannelBindings& bindings
) {
    constexpr std::array<Mechanism, 4> kBestFirst{
        Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login
    };
    for (const Mechanism mechanism : kBestFirst) {
        if (mechanism == Mechanism::ScramSha256Plus && !bindings.contains(kBinding)) {
            continue;
        }
        if (std::ranges::any_of(offered, [&](const std::string& one) {
                return iequals(one, name(mechanism));
            })) {
            return mechanism;
        }
    }
    return std::nullopt;
}

std::unique_ptr<SaslClient> SaslClient::make(
    Mechanism mechanism, ClientLogin who, std::string nonce, const ChannelBindings& bindings
) {
    switch (mechanism) {
        case Mechanism::Plain:
            return std::make_unique<Plain>(std::move(who));
        case Mechanism::Login:
            return std::make_unique<Login>(std::move(who));
        case Mechanism::ScramSha256:
            // "y" would say that we could bind and saw no offer. A server that offers -PLUS for
            // another kind of binding only would refuse that (RFC 5802 §6), so nothing is claimed.
            return std::make_unique<Scram>(std::move(who), std::move(nonce), "n,,", "");
        case Mechanism::ScramSha256Plus: {
            const auto binding = bindings.find(kBinding);
            if (binding == bindings.end()) {
                return nullptr;
            }
            return std::make_unique<Scram>(
                std::move(who),
                std::move(nonce),
                "p=" + std::string(kBinding) + ",,",
                binding->second
            );
        }
        default:
            return nullptr;
    }
}

}  // namespace sekisho::account
