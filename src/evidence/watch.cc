#include "evidence/watch.h"

#include "evidence/evidence.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::evidence {

void Watch::add(const Record& seen, std::string_view line) {
    for (const Case& one : living_) {
        const bool its = one.prefix ? one.prefix->contains(seen.client.address)
                                    : !line.empty() && line == one.line;
        if (!its || seen.first < one.begun || !one.alive(seen.last)) {
            continue;
        }
        const Key key{one.id, seen.client, seen.server, seen.to_server, seen.outcome};
        const auto [at, fresh] = waiting_.try_emplace(key, seen);
        Record& record = at->second;
        record.case_id = one.id;
        if (!fresh) {
            record.first = std::min(record.first, seen.first);
            record.last = std::max(record.last, seen.last);
            record.rule = seen.rule;
            record.count += seen.count;
        }
    }
}

std::vector<Record> Watch::take() {
    std::vector<Record> out;
    out.reserve(waiting_.size());
    for (auto& [key, record] : waiting_) {
        out.push_back(std::move(record));
    }
    waiting_.clear();
    return out;
}

}  // namespace sekisho::evidence
