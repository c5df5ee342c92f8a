// Follows the journal, for a file and for a webhook. README.md has the flow.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"
#include "store/store.h"

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::feed {

// Values as config::Events has them.
struct Options {
    std::vector<event::Kind> kinds;
    std::string file;                            // empty: none
    std::optional<net::HttpUrl> webhook;         // none: none
    std::string key;                             // empty: unsigned
    std::shared_ptr<const net::TlsContext> tls;  // for https
    std::size_t batch = 100;
    Duration wait{1'000};
    std::int64_t buffer = 10'000;
    Duration retry_first{1'000};
};

class Feeder {
  public:
    struct Deps {
        net::Executor executor;
        net::Workers& workers;
        net::Resolver& resolver;
        store::Store& store;
        std::string database;  // the store's file
    };
    // What `deps` refers to must outlive the loops' run.
    [[nodiscard]] static Result<std::unique_ptr<Feeder>> make(const Deps& deps, Options options);
    virtual ~Feeder() = default;
    // From any thread. The file is opened anew.
    virtual void follow(Options options) = 0;
    // Ends what follows; needed before the end of the workers, while the loops run or after.
    virtual void stop() = 0;
    // {"file":{"sent_total":1,"failures_total":0,"dropped_total":0,"error":""},"webhook":{...}}
    [[nodiscard]] virtual nlohmann::json status() const = 0;
};

}  // namespace sekisho::feed
