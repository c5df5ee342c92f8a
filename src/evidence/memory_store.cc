#include "evidence/memory_store.h"

#include "base/result.h"
#include "base/time.h"
#include "evidence/evidence.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::evidence {
namespace {

std::vector<Case> those(
    const std::map<std::int64_t, Case>& cases, const std::function<bool(const Case&)>& wanted
) {
    std::vector<Case> out;
    for (const auto& [id, one] : cases) {
        if (wanted(one)) {
            out.push_back(one);
        }
    }
    return out;
}

}  // namespace

Result<std::int64_t> MemoryEvidenceStore::add(const Case& one) {
    const std::lock_guard lock(mutex_);
    if (those(cases_, [&](const Case& c) { return c.alive(one.begun); }).size() >= kLivingMax) {
        return fail(Errc::Full, std::to_string(kLivingMax) + " cases live: there can't be more");
    }
    const std::int64_t id = cases_.empty() ? 1 : cases_.rbegin()->first + 1;
    cases_[id] = one;
    cases_[id].id = id;
    return id;
}

Result<Case> MemoryEvidenceStore::find(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    const auto at = cases_.find(id);
    return at == cases_.end() ? Result<Case>(fail(no_case(id))) : at->second;
}

Result<std::vector<Case>> MemoryEvidenceStore::living(Time now) {
    const std::lock_guard lock(mutex_);
    return those(cases_, [now](const Case& one) { return one.alive(now); });
}

Result<std::vector<Case>> MemoryEvidenceStore::all(std::size_t limit) {
    const std::lock_guard lock(mutex_);
    auto out = those(cases_, [](const Case&) { return true; });
    std::ranges::reverse(out);
    out.resize(std::min(out.size(), limit));
    return out;
}

Result<std::vector<Case>> MemoryEvidenceStore::due(Time now) {
    const std::lock_guard lock(mutex_);
    return those(cases_, [now](const Case& one) { return !one.erased && one.erase_at <= now; });
}

Result<bool> MemoryEvidenceStore::stop(
    std::int64_t id, Time at, std::string_view by, Time erase_at
) {
    const std::lock_guard lock(mutex_);
    const auto found = cases_.find(id);
    if (found == cases_.end()) {
        return fail(no_case(id));
    }
    if (found->second.stopped) {
        return false;
    }
    found->second.stopped = at;
    found->second.stopped_by = by;
    found->second.erase_at = erase_at;
    return true;
}

Status MemoryEvidenceStore::append(const std::vector<Record>& records) {
    const std::lock_guard lock(mutex_);
    for (const Record& record : records) {
        const auto found = cases_.find(record.case_id);
        if (found == cases_.end() || found->second.erased ||
            (found->second.stopped && *found->second.stopped <= record.last)) {
            continue;
        }
        auto& kept = records_[record.case_id];
        if (static_cast<std::int64_t>(kept.size()) >= kRecordsMax) {
            found->second.lost += record.count;
        } else {
            kept.push_back(record);
        }
    }
    return {};
}

Result<std::vector<Record>> MemoryEvidenceStore::records(std::int64_t id, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::vector<Record> out = records_[id];
    out.resize(std::min(out.size(), limit));
    return out;
}

Result<std::int64_t> MemoryEvidenceStore::erase(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = cases_.find(id);
    if (found == cases_.end()) {
        return fail(no_case(id));
    }
    found->second.erased = true;
    const auto gone = static_cast<std::int64_t>(records_[id].size());
    records_.erase(id);
    return gone;
}

}  // namespace sekisho::evidence
