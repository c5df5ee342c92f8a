#include "source/ldap.h"

#include "account/account.h"
#include "account/digest.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "net/server.h"
#include "net/task.h"
#include "net/workers.h"
#include "source/source.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <ldap.h>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::source {
namespace {

struct Unbind {
    void operator()(LDAP* handle) const { ldap_unbind_ext_s(handle, nullptr, nullptr); }
};
using Handle = std::unique_ptr<LDAP, Unbind>;

struct FreeMessage {
    void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
using Message = std::unique_ptr<LDAPMessage, FreeMessage>;

// One thread's two connections: the search's, bound as we are, and the one that binds as users.
struct Connection {
    Handle search, user;
};

Error away(const config::AccountSource& config, const char* what, int code) {
    return {Errc::Unavailable, config.server + ": " + what + ": " + ldap_err2string(code)};
}

berval value_of(std::string& text) {
    return {.bv_len = text.size(), .bv_val = text.data()};
}

// What a failed bind or compare means: a wrong password, or nothing.
bool is_denial(int code) {
    return code == LDAP_INVALID_CREDENTIALS || code == LDAP_INAPPROPRIATE_AUTH ||
           code == LDAP_COMPARE_FALSE || code == LDAP_NO_SUCH_ATTRIBUTE;
}

class Directory {
  public:
    explicit Directory(config::AccountSource config) : config_(std::move(config)) {}

    Result<account::Account> log_in(const std::string& login, std::string& password) {
        return on_connection([&](Connection& connection) {
            return log_in_on(connection, login, password);
        });
    }

    Result<account::Account> find(const std::string& address) {
        return on_connection([&](Connection& connection) { return find_on(connection, address); });
    }

  private:
    struct Entry {
        std::string dn, name;
        std::vector<std::string> addresses;
    };

    template <class Work>
    Result<account::Account> on_connection(const Work& work) {
        Connection connection = take();
        // A connection that was idle may have been closed by the server: once more with a new one.
        const bool was_idle = connection.search != nullptr;
        Result<account::Account> answer = work(connection);
        if (!answer && answer.error().code == Errc::Closed && was_idle) {
            connection = {};
            answer = work(connection);
        }
        if (answer || answer.error().code == Errc::NotFound ||
            answer.error().code == Errc::Denied) {
            give_back(std::move(connection));
        }
        return answer;
    }

    Connection take() {
        const std::scoped_lock lock(mutex_);
        if (idle_.empty()) {
            return {};
        }
        Connection out = std::move(idle_.back());
        idle_.pop_back();
        return out;
    }
    void give_back(Connection connection) {
        const std::scoped_lock lock(mutex_);
        if (idle_.size() < config_.connections) {
            idle_.push_back(std::move(connection));
        }
    }

    Status ready_to_search(Connection& connection) {
        if (!connection.search) {
            auto opened = open(true);
            if (!opened) {
                return fail(opened.error());
            }
            connection.search = std::move(*opened);
        }
        return {};
    }

    Result<account::Account> log_in_on(
        Connection& connection, const std::string& login, std::string& password
    ) {
        if (Status ready = ready_to_search(connection); !ready) {
            return fail(ready.error());
        }
        const auto entry = find(connection.search.get(), filter_of(login));
        if (!entry) {
            return fail(entry.error());
        }
        if (Status right = prove(connection, entry->dn, password); !right) {
            return fail(right.error());
        }
        return account_of(login, *entry);
    }

    // By the attribute that has the addresses, whatever logins are looked for by.
    Result<account::Account> find_on(Connection& connection, const std::string& address) {
        if (Status ready = ready_to_search(connection); !ready) {
            return fail(ready.error());
        }
        const std::string filter =
            "(" + config_.address_attribute + "=" + filter_value(address) + ")";
        const auto entry = find(connection.search.get(), filter);
        if (!entry) {
            return fail(entry.error());
        }
        return account_of(address, *entry);
    }

    [[nodiscard]] account::Account account_of(const std::string& login, const Entry& entry) const {
        account::Account out = make_account(login, entry.addresses, config_.addresses);
        out.name = entry.name;
        // Whichever of its names it came by, it is one account for limits and conduct.
        std::vector<std::string> own;
        std::ranges::transform(entry.addresses, std::back_inserter(own), [](const auto& one) {
            return to_lower(one);
        });
        if (!own.empty()) {
            out.login = *std::ranges::min_element(own);
        }
        return out;
    }

    Result<Handle> open(bool as_ourselves) {
        LDAP* raw = nullptr;
        if (const int code = ldap_initialize(&raw, config_.server.c_str()); code != LDAP_SUCCESS) {
            return fail(away(config_, "open", code));
        }
        Handle handle(raw);
        if (const int code = prepare(raw); code != LDAP_SUCCESS) {
            return fail(away(config_, "TLS", code));
        }
        if (as_ourselves && !config_.bind_dn.empty()) {
            std::string secret = config_.secret;
            if (const int code = bind(raw, config_.bind_dn, secret); code != LDAP_SUCCESS) {
                return fail(away(config_, "bind as bind_dn", code));
            }
        }
        return handle;
    }

    int prepare(LDAP* handle) {
        const int version = LDAP_VERSION3;
        ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version);
        ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
        const timeval time = timeout();
        ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &time);
        ldap_set_option(handle, LDAP_OPT_TIMEOUT, &time);
        const int demand = LDAP_OPT_X_TLS_DEMAND;
        ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
        if (!config_.ca.empty()) {
            ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, config_.ca.c_str());
        }
        const int client = 0;
        ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client);
        return config_.start_tls ? ldap_start_tls_s(handle, nullptr, nullptr) : LDAP_SUCCESS;
    }

    [[nodiscard]] timeval timeout() const {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(config_.timeout);
        const auto rest =
            std::chrono::duration_cast<std::chrono::microseconds>(config_.timeout - seconds);
        return {.tv_sec = seconds.count(), .tv_usec = rest.count()};
    }

    static int bind(LDAP* handle, const std::string& dn, std::string& password) {
        berval secret = value_of(password);
        return ldap_sasl_bind_s(
            handle, dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, nullptr
        );
    }

    Result<Entry> find(LDAP* handle, const std::string& filter) {
        std::string address = config_.address_attribute;
        std::string name = config_.name_attribute;
        std::array<char*, 3> attributes{address.data(), name.data(), nullptr};
        timeval time = timeout();
        LDAPMessage* raw = nullptr;
        const int code = ldap_search_ext_s(
            handle,
            config_.base.c_str(),
            LDAP_SCOPE_SUBTREE,
            filter.c_str(),
            attributes.data(),
            0,
            nullptr,
            nullptr,
            &time,
            2,
            &raw
        );
        const Message message(raw);
        if (code == LDAP_NO_SUCH_OBJECT) {
            return fail(Errc::NotFound, "no entry");
        }
        if (code == LDAP_SERVER_DOWN) {
            return fail(Errc::Closed, config_.server + ": the connection is gone");
        }
        if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED) {
            return fail(away(config_, "search", code));
        }
        const int count = ldap_count_entries(handle, raw);
        if (count > 1) {
            // Whose password would be the right one?
            return fail(Errc::Unavailable, config_.server + ": several entries for " + filter);
        }
        LDAPMessage* first = ldap_first_entry(handle, raw);
        if (first == nullptr) {
            return fail(Errc::NotFound, "no entry");
        }
        Entry out;
        char* dn = ldap_get_dn(handle, first);
        out.dn = dn == nullptr ? "" : dn;
        ldap_memfree(dn);
        out.addresses = values(handle, first, config_.address_attribute);
        const auto names = values(handle, first, config_.name_attribute);
        out.name = names.empty() ? std::string{} : printable(names.front());
        if (out.dn.empty()) {
            return fail(Errc::Unavailable, config_.server + ": an entry without a name");
        }
        return out;
    }

    [[nodiscard]] std::string filter_of(const std::string& login) const {
        const std::size_t at = login.rfind('@');
        std::string out = config_.filter;
        for (const auto& [name, value] :
             {std::pair<std::string, std::string>{"{login}", login},
              {"{user}", login.substr(0, at)},
              {"{domain}", at == std::string::npos ? std::string{} : login.substr(at + 1)}}) {
            const std::string safe = filter_value(value);
            for (std::size_t i = out.find(name); i != std::string::npos;
                 i = out.find(name, i + safe.size())) {
                out.replace(i, name.size(), safe);
            }
        }
        return out;
    }

    static std::vector<std::string> values(
        LDAP* handle, LDAPMessage* entry, const std::string& attribute
    ) {
        std::vector<std::string> out;
        berval** found = ldap_get_values_len(handle, entry, attribute.c_str());
        for (int i = 0; found != nullptr && found[i] != nullptr; ++i) {
            out.emplace_back(found[i]->bv_val, found[i]->bv_len);
        }
        ldap_value_free_len(found);
        return out;
    }

    Status prove(Connection& connection, const std::string& dn, std::string& password) {
        // RFC 4513 §5.1.2: a bind without a password succeeds, as nobody.
        if (password.empty()) {
            return fail(Errc::Denied, "no password");
        }
        int code = LDAP_SUCCESS;
        if (config_.check == "compare") {
            berval secret = value_of(password);
            code = ldap_compare_ext_s(
                connection.search.get(), dn.c_str(), "userPassword", &secret, nullptr, nullptr
            );
            code = code == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : code;
        } else {
            code = bind_as_user(connection, dn, password);
        }
        if (code == LDAP_SUCCESS) {
            return {};
        }
        if (is_denial(code)) {
            return fail(Errc::Denied, "the password is wrong");
        }
        return fail(away(config_, "password", code));
    }

    int bind_as_user(Connection& connection, const std::string& dn, std::string& password) {
        int code = LDAP_SERVER_DOWN;
        if (connection.user) {
            code = bind(connection.user.get(), dn, password);
        }
        if (code == LDAP_SERVER_DOWN) {
            auto opened = open(false);
            if (!opened) {
                return LDAP_CONNECT_ERROR;
            }
            connection.user = std::move(*opened);
            code = bind(connection.user.get(), dn, password);
        }
        return code;
    }

    const config::AccountSource config_;
    std::mutex mutex_;
    std::vector<Connection> idle_;
};

class LdapSource final : public Source {
  public:
    explicit LdapSource(const config::AccountSource& config)
        : name_(config.name),
          finds_(config.recipients),
          directory_(std::make_shared<Directory>(config)),
          workers_(net::Workers::make(config.connections)) {}

    [[nodiscard]] const std::string& name() const override { return name_; }

    net::Task<Result<account::Account>> log_in(
        net::Executor /*executor*/, std::string login, std::string password
    ) override {
        if (workers_->waiting() >= kWaitingMax) {
            co_return fail(Errc::Unavailable, name_ + ": too many logins wait for it");
        }
        std::function<Result<account::Account>()> work =
            [directory = directory_, login, password]() mutable {
                auto answer = directory->log_in(login, password);
                account::wipe(password);
                return answer;
            };
        account::wipe(password);
        Result<account::Account> answer = co_await net::run_on(*workers_, std::move(work));
        co_return answer;
    }

    [[nodiscard]] bool finds() const override { return finds_; }

    net::Task<Result<account::Account>> find(net::Executor /*executor*/, std::string address)
        override {
        if (workers_->waiting() >= kWaitingMax) {
            co_return fail(Errc::Unavailable, name_ + ": too many look-ups wait for it");
        }
        std::function<Result<account::Account>()> work = [directory = directory_,
                                                          address = std::move(address)] {
            return directory->find(address);
        };
        Result<account::Account> answer = co_await net::run_on(*workers_, std::move(work));
        co_return answer;
    }

  private:
    static constexpr std::size_t kWaitingMax = 1000;
    std::string name_;
    bool finds_;
    std::shared_ptr<Directory> directory_;
    std::unique_ptr<net::Workers> workers_;
};

}  // namespace

std::string filter_value(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (std::string_view("*()\\{}").contains(c) || octet < 0x20 || octet > 0x7e) {
            out += "\\" + hex(std::string_view(&c, 1));
        } else {
            out.push_back(c);
        }
    }
    return out;
}

Result<std::unique_ptr<Source>> make_ldap(const config::AccountSource& config) {
    LDAPURLDesc* url = nullptr;
    const int code = ldap_url_parse(config.server.c_str(), &url);
    const std::string scheme = code == LDAP_SUCCESS ? url->lud_scheme : "";
    ldap_free_urldesc(url);
    if (code != LDAP_SUCCESS || (scheme != "ldap" && scheme != "ldaps" && scheme != "ldapi")) {
        return fail(Errc::Invalid, "server is no ldap://, ldaps:// or ldapi:// URL");
    }
    if (scheme == "ldaps" && config.start_tls) {
        return fail(Errc::Invalid, "start_tls is for ldap://; ldaps:// is TLS from the start");
    }
    if (config.base.empty()) {
        return fail(Errc::Invalid, "base is missing");
    }
    return std::make_unique<LdapSource>(config);
}

}  // namespace sekisho::source
