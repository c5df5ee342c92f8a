// Recipients that are refused since they only bounce: counted while mail is delivered, kept in the
// store, told in the journal.
#pragma once

#include "base/time.h"
#include "config/config.h"
#include "delivery/deliverer.h"
#include "event/event.h"
#include "net/server.h"
#include "queue/suppression.h"

#include <mutex>
#include <string>

namespace sekisho::cli {

class SuppressionKeeper final : public delivery::RecipientWatch {
  public:
    struct Deps {
        queue::SuppressionList& list;
        event::Journal& journal;
        net::Workers& workers;
    };
    explicit SuppressionKeeper(const Deps& deps) : deps_(deps) {}

    void follow(const config::Suppression& config);  // from now on
    void gone(const event::Event& bounced) override;
    void reached(const std::string& recipient) override;
    // Those whose time is over are told and forgotten.
    void tidy(Time now);

  private:
    [[nodiscard]] queue::SuppressionRule rule() const;
    void count(const event::Event& bounced, const queue::SuppressionRule& rule);

    Deps deps_;
    mutable std::mutex mutex_;
    queue::SuppressionRule rule_;
};

}  // namespace sekisho::cli
