#include "store/event_index.h"

#include "base/result.h"
#include "base/time.h"
#include "store/sqlite.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

// A block's hashes lie in as many rows as their first octet has values, so that a look-up reads one
// small row of each block.
constexpr std::int64_t kParts = 256;
constexpr int kPartShift = 56;

struct Entry {
    std::uint64_t key = 0;
    std::uint32_t offset = 0;  // of the row from the first one of the block

    friend bool operator<(const Entry& a, const Entry& b) {
        return a.key != b.key ? a.key < b.key : a.offset < b.offset;
    }
};
constexpr std::size_t kEntrySize = sizeof(std::uint64_t) + sizeof(std::uint32_t);

std::int64_t part_id(std::int64_t last, std::uint64_t key) {
    return last * kParts + static_cast<std::int64_t>(key >> kPartShift);
}

void add(std::string& bytes, const Entry& entry) {
    char packed[kEntrySize];
    std::memcpy(packed, &entry.key, sizeof entry.key);
    std::memcpy(packed + sizeof entry.key, &entry.offset, sizeof entry.offset);
    bytes.append(packed, kEntrySize);
}

Entry entry_at(std::string_view bytes, std::size_t number) {
    Entry out;
    const char* const at = bytes.data() + number * kEntrySize;
    std::memcpy(&out.key, at, sizeof out.key);
    std::memcpy(&out.offset, at + sizeof out.key, sizeof out.offset);
    return out;
}

const std::string& select_rows() {
    static const std::string kText = [] {
        std::string text = "SELECT id, at";
        for (const auto& [column, field] : kEventFields) {
            text += ", " + std::string(column);
        }
        return text + " FROM events WHERE id > ? AND id <= ? ORDER BY id";
    }();
    return kText;
}

struct Made {
    EventBlock block;
    std::vector<Entry> entries;  // in order
};

Result<Made> make_block(Database& database, std::int64_t after, std::int64_t last) {
    auto rows = database.prepare(select_rows());
    if (!rows) {
        return fail(rows.error());
    }
    rows->bind_all(after, last);
    Made made{.block = {.first = after + 1, .last = last}, .entries = {}};
    bool any = false;
    while (true) {
        const auto there = rows->step();
        if (!there) {
            return fail(there.error());
        }
        if (!*there) {
            break;
        }
        const std::int64_t id = rows->integer();
        const Time at = rows->time();
        made.block.since = any ? std::min(made.block.since, at) : at;
        made.block.until = any ? std::max(made.block.until, at) : at;
        any = true;
        for (const auto& [column, field] : kEventFields) {
            const std::string value = rows->text();
            if (!value.empty()) {
                made.entries.push_back(
                    {event_key(column, value), static_cast<std::uint32_t>(id - made.block.first)}
                );
            }
        }
    }
    std::sort(made.entries.begin(), made.entries.end());
    return made;
}

Status keep(Database& database, const Made& made) {
    const EventBlock& block = made.block;
    if (Status kept = database.run(
            "INSERT INTO event_blocks (last, first, since, until) VALUES (?, ?, ?, ?)",
            block.last,
            block.first,
            block.since,
            block.until
        );
        !kept) {
        return kept;
    }
    std::string bytes;
    for (std::size_t i = 0; i < made.entries.size(); ++i) {
        add(bytes, made.entries[i]);
        const std::int64_t id = part_id(block.last, made.entries[i].key);
        if (i + 1 < made.entries.size() && part_id(block.last, made.entries[i + 1].key) == id) {
            continue;
        }
        if (Status kept =
                database.run("INSERT INTO event_keys (id, keys) VALUES (?, ?)", id, Blob{bytes});
            !kept) {
            return kept;
        }
        bytes.clear();
    }
    return {};
}

}  // namespace

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/, public domain), its high bits mixed further,
// since parts go by them.
std::uint64_t event_key(std::string_view column, std::string_view value) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto take = [&hash](std::string_view text) {
        for (const char c : text) {
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        }
    };
    take(column);
    take(std::string_view("\0", 1));
    take(value);
    hash = (hash ^ (hash >> 32U)) * 0x9e3779b97f4a7c15U;
    return hash ^ (hash >> 29U);
}

Result<bool> EventIndex::extend(std::size_t rows) {
    bool made = false;
    const auto wanted = static_cast<std::int64_t>(std::max<std::size_t>(rows, 1));
    // Looked at without the lock first: there is hardly ever something to do.
    const auto next = [&]() -> Result<std::pair<std::int64_t, std::int64_t>> {
        auto found = database_.prepare(
            "SELECT covered, COALESCE((SELECT id FROM events WHERE id > covered ORDER BY id "
            "LIMIT 1 OFFSET ?), 0) FROM (SELECT COALESCE(MAX(last), 0) AS covered FROM "
            "event_blocks)"
        );
        if (!found) {
            return fail(found.error());
        }
        found->bind(wanted - 1);
        if (const auto row = found->step(); !row) {
            return fail(row.error());
        }
        const std::int64_t covered = found->integer();
        return std::pair{covered, found->integer()};
    };
    auto span = next();
    if (!span || span->second == 0) {
        return span ? Result<bool>(false) : fail(span.error());
    }
    const Status done = database_.transaction([&]() -> Status {
        span = next();  // another process may have been faster
        if (!span || span->second == 0) {
            return span ? Status{} : fail(span.error());
        }
        const auto block = make_block(database_, span->first, span->second);
        if (!block) {
            return fail(block.error());
        }
        made = true;
        return keep(database_, *block);
    });
    return done ? Result<bool>(made) : fail(done.error());
}

Result<std::vector<EventBlock>> EventIndex::blocks() {
    auto rows =
        database_.prepare("SELECT first, last, since, until FROM event_blocks ORDER BY last");
    if (!rows) {
        return fail(rows.error());
    }
    return rows->all([](Statement& row) {
        EventBlock out;
        out.first = row.integer();
        out.last = row.integer();
        out.since = row.time();
        out.until = row.time();
        return out;
    });
}

Result<std::vector<std::int64_t>> EventIndex::find(const EventBlock& block, std::uint64_t key) {
    std::vector<std::int64_t> out;
    auto row = database_.prepare("SELECT keys FROM event_keys WHERE id = ?");
    if (!row) {
        return fail(row.error());
    }
    row->bind(part_id(block.last, key));
    const auto there = row->step();
    if (!there) {
        return fail(there.error());
    }
    if (!*there) {
        return out;
    }
    const std::string bytes = row->text();
    if (bytes.size() % kEntrySize != 0) {
        return fail(Errc::Corrupt, "the journal's index is damaged");
    }
    std::size_t low = 0, high = bytes.size() / kEntrySize;
    const std::size_t end = high;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (entry_at(bytes, middle).key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < end; ++low) {
        const Entry entry = entry_at(bytes, low);
        if (entry.key != key) {
            break;
        }
        out.push_back(block.first + entry.offset);
    }
    return out;
}

Status EventIndex::forget_before(Time time) {
    const auto all = blocks();
    if (!all) {
        return fail(all.error());
    }
    for (const EventBlock& block : *all) {
        if (block.until >= time) {
            continue;
        }
        const Status done = database_.transaction([&]() -> Status {
            if (Status gone = database_.run(
                    "DELETE FROM event_keys WHERE id >= ? AND id < ?",
                    block.last * kParts,
                    (block.last + 1) * kParts
                );
                !gone) {
                return gone;
            }
            return database_.run("DELETE FROM event_blocks WHERE last = ?", block.last);
        });
        if (!done) {
            return done;
        }
    }
    return {};
}

}  // namespace sekisho::store
