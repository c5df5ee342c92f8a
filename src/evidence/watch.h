// Which flows belong to living cases. Pure; records of one flow are put together until they are
// taken.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "evidence/evidence.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <vector>

namespace sekisho::evidence {

class Watch {
  public:
    void follow(std::vector<Case> living) { living_ = std::move(living); }
    [[nodiscard]] const std::vector<Case>& living() const { return living_; }

    // `seen` without its case; `line`: who certainly held the client's address then, or empty. Only
    // what came while a case was alive belongs to it.
    void add(const Record& seen, std::string_view line);
    // What has come since the last call.
    [[nodiscard]] std::vector<Record> take();

  private:
    using Key = std::tuple<std::int64_t, Endpoint, Endpoint, bool, Outcome>;
    std::vector<Case> living_;
    std::map<Key, Record> waiting_;
};

}  // namespace sekisho::evidence
