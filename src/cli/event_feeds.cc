#include "cli/event_feeds.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "config/config.h"
#include "feed/feeder.h"
#include "feed/record.h"
#include "net/http_client.h"
#include "net/tls.h"

#include <string>
#include <utility>

namespace sekisho::cli {

Status check_feeds(const config::Events& events) {
    if (const auto kinds = feed::kinds_of(events.kinds); !kinds) {
        return fail(kinds.error());
    }
    if (events.webhook.empty()) {
        return {};
    }
    if (const auto url = net::HttpUrl::parse(events.webhook); !url) {
        return fail(Errc::Invalid, "events.webhook: " + url.error().message);
    }
    return {};
}

Result<feed::Options> feed_options(const config::Events& events) {
    if (Status good = check_feeds(events); !good) {
        return fail(good.error());
    }
    feed::Options options;
    options.kinds = *feed::kinds_of(events.kinds);
    options.file = events.file;
    options.batch = events.webhook_batch;
    options.wait = events.webhook_wait;
    options.buffer = events.webhook_buffer;
    if (events.webhook.empty()) {
        return options;
    }
    options.webhook = *net::HttpUrl::parse(events.webhook);
    if (!events.webhook_secret.empty()) {
        const auto key = read_file(events.webhook_secret, 4096);
        options.key = key ? std::string(trim(*key)) : std::string();
        if (options.key.empty()) {
            return fail(
                Errc::Invalid,
                "events.webhook_secret: " +
                    (key ? events.webhook_secret + " is empty" : key.error().message)
            );
        }
    }
    if (options.webhook->tls) {
        auto tls = net::TlsContext::client_verified(events.webhook_ca);
        if (!tls) {
            return fail(tls.error());
        }
        options.tls = std::move(*tls);
    }
    return options;
}

}  // namespace sekisho::cli
