#include "cli/spool_ops.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"
#include "delivery/route.h"
#include "queue/queue_id.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

namespace fs = std::filesystem;
using queue::RecipientState;

constexpr std::array<std::pair<RecipientState, std::string_view>, 4> kStates{{
    {RecipientState::Pending, "pending"},
    {RecipientState::Delivered, "delivered"},
    {RecipientState::Bounced, "bounced"},
    {RecipientState::Dropped, "dropped"},
}};

std::string_view state_name(RecipientState state) {
    return std::ranges::find(kStates, state, [](const auto& one) { return one.first; })->second;
}

queue::Filter everything() {
    queue::Filter filter;
    filter.limit = std::numeric_limits<std::size_t>::max();
    return filter;
}

Result<queue::Recipient> recipient_of(const Json& row) {
    queue::Recipient to;
    to.address = row.at("address");
    to.orcpt = row.value("orcpt", "");
    to.notify = row.value("notify", "");
    to.last_reply = row.value("last_reply", "");
    const std::string state = row.value("state", "pending");
    const auto* const known =
        std::ranges::find(kStates, state, [](const auto& one) { return one.second; });
    if (known == kStates.end() || to.address.empty()) {
        return fail(Errc::Invalid, "recipients: \"" + printable(row.dump(), 200) + "\"");
    }
    to.state = known->first;
    return to;
}

Result<Time> time_of(const Json& row, const char* name) {
    const auto at = parse_rfc3339(row.at(name).get<std::string>());
    if (!at) {
        return fail(Errc::Invalid, std::string(name) + " is no time");
    }
    return *at;
}

Status wishes_of(const Json& row, queue::Envelope& envelope) {
    envelope.smtputf8 = row.value("smtputf8", false);
    envelope.body_8bit = row.value("body_8bit", false);
    envelope.body_binary = row.value("body_binary", false);
    envelope.require_tls = row.value("require_tls", false);
    envelope.priority = row.value("priority", 0);
    envelope.route = row.value("route", "");
    if (row.contains("release")) {
        const auto release = time_of(row, "release");
        if (!release) {
            return fail(release.error());
        }
        envelope.release = *release;
    }
    if (envelope.priority < -queue::kPriorityMax || envelope.priority > queue::kPriorityMax) {
        return fail(Errc::Invalid, "priority is from -9 to 9");
    }
    if (!envelope.route.empty() && !delivery::parse_host(envelope.route)) {
        return fail(Errc::Invalid, "route is not HOST:PORT");
    }
    if (row.contains("deliver_by")) {
        const Json& by = row["deliver_by"];
        const auto deadline = time_of(by, "deadline");
        if (!deadline) {
            return fail(deadline.error());
        }
        envelope.deliver_by = queue::DeliverBy{
            .deadline = *deadline,
            .mode = by.value("mode", "") == "notify" ? queue::DeliverBy::Mode::Notify
                                                     : queue::DeliverBy::Mode::Return,
            .trace = by.value("trace", false),
        };
    }
    return {};
}

Result<queue::Entry> entry_of(const Json& row) {
    queue::Entry entry;
    queue::Envelope& envelope = entry.envelope;
    const auto number = queue::parse_queue_id(row.at("queue_id").get<std::string>());
    if (!number) {
        return fail(Errc::Invalid, "queue_id is none");
    }
    envelope.queue_id = queue::format_queue_id(*number);
    envelope.reverse_path = row.at("sender");
    envelope.account = row.value("account", "");
    envelope.client = row.value("client", "");
    envelope.message_id = row.value("message_id", "");
    envelope.ret = row.value("ret", "");
    envelope.envid = row.value("envid", "");
    const auto accepted = time_of(row, "accepted");
    if (!accepted) {
        return fail(accepted.error());
    }
    envelope.accepted = *accepted;
    if (Status wishes = wishes_of(row, envelope); !wishes) {
        return fail(wishes.error());
    }
    for (const Json& one : row.at("recipients")) {
        auto to = recipient_of(one);
        if (!to) {
            return fail(to.error());
        }
        envelope.recipients.push_back(std::move(*to));
    }
    if (envelope.recipients.empty()) {
        return fail(Errc::Invalid, "recipients: there are none");
    }
    entry.held = row.value("held", false);
    entry.hold_reason = row.value("hold_reason", "");
    return entry;
}

// True when it was taken, false when it is queued already.
Result<bool> import_one(queue::Spool& spool, queue::Entry entry, std::string bytes) {
    const std::string id = entry.envelope.queue_id;
    std::promise<Result<std::string>> stored;
    auto answer = stored.get_future();
    spool.append(std::move(entry.envelope), std::move(bytes), [&](Result<std::string> result) {
        stored.set_value(std::move(result));
    });
    const auto result = answer.get();
    if (!result && result.error().code != Errc::Conflict) {
        return fail(result.error());
    }
    // Again for one that is known: an import may have ended between the two.
    if (entry.held) {
        if (Status held = spool.hold(id, entry.hold_reason); !held) {
            return fail(held.error());
        }
    }
    return result.has_value();
}

}  // namespace

store::SpoolOptions spool_options(const config::Config& config) {
    store::SpoolOptions options;
    options.directory = config.queue.directory;
    options.segment_size = config.queue.segment_size;
    options.commit_wait = config.queue.commit_wait;
    options.free_space_min = config.queue.free_space_min;
    options.retry = config.queue.retry;
    options.expire = config.queue.expire;
    return options;
}

Json export_json(const queue::Entry& entry) {
    const queue::Envelope& envelope = entry.envelope;
    Json recipients = Json::array();
    for (const queue::Recipient& to : envelope.recipients) {
        recipients.push_back(
            {{"address", to.address},
             {"orcpt", to.orcpt},
             {"notify", to.notify},
             {"state", state_name(to.state)},
             {"last_reply", to.last_reply}}
        );
    }
    Json row{
        {"queue_id", envelope.queue_id},
        {"sender", envelope.reverse_path},
        {"recipients", std::move(recipients)},
        {"account", envelope.account},
        {"client", envelope.client},
        {"message_id", envelope.message_id},
        {"ret", envelope.ret},
        {"envid", envelope.envid},
        {"smtputf8", envelope.smtputf8},
        {"body_8bit", envelope.body_8bit},
        {"body_binary", envelope.body_binary},
        {"require_tls", envelope.require_tls},
        {"priority", envelope.priority},
        {"route", envelope.route},
        {"accepted", rfc3339(envelope.accepted)},
        {"attempts", entry.attempts},
        {"held", entry.held},
        {"hold_reason", entry.hold_reason},
    };
    if (envelope.release) {
        row["release"] = rfc3339(*envelope.release);
    }
    if (const auto& by = envelope.deliver_by) {
        row["deliver_by"] = Json{
            {"deadline", rfc3339(by->deadline)},
            {"mode", by->mode == queue::DeliverBy::Mode::Notify ? "notify" : "return"},
            {"trace", by->trace}
        };
    }
    return row;
}

Result<queue::Entry> import_json(std::string_view text) {
    const Json row = Json::parse(text, nullptr, false);
    if (!row.is_object()) {
        return fail(Errc::Invalid, "it is no JSON object");
    }
    try {
        return entry_of(row);
    } catch (const nlohmann::json::exception& error) {
        return fail(Errc::Invalid, error.what());
    }
}

Verified verify(queue::Spool& spool) {
    Verified verified;
    for (const queue::Damage& one : spool.damage()) {
        verified.faults.push_back(
            (one.queue_id.empty() ? "" : one.queue_id + ": ") + std::string(name(one.kind)) + ": " +
            one.text
        );
    }
    spool.visit(everything(), [&](const queue::Entry& entry) {
        const auto bytes = spool.message(entry.envelope.queue_id);
        ++verified.messages;
        if (bytes) {
            verified.bytes += bytes->size();
        } else {
            verified.faults.push_back(entry.envelope.queue_id + ": " + bytes.error().message);
        }
        return true;
    });
    return verified;
}

Result<std::uint64_t> export_spool(queue::Spool& spool, const std::string& folder) {
    if (Status made = make_folder(folder, 0700); !made) {
        return fail(made.error());
    }
    std::uint64_t count = 0;
    Status failed;
    spool.visit(everything(), [&](const queue::Entry& entry) {
        const std::string base = folder + "/" + entry.envelope.queue_id;
        const auto bytes = spool.message(entry.envelope.queue_id);
        if (!bytes) {
            failed =
                fail(bytes.error().code, entry.envelope.queue_id + ": " + bytes.error().message);
            return false;
        }
        // The .json last: what has one is complete.
        failed = write_file_atomic(base + ".eml", *bytes, 0600);
        if (failed) {
            failed = write_file_atomic(base + ".json", export_json(entry).dump(2) + "\n", 0600);
        }
        count += failed ? 1 : 0;
        return failed.has_value();
    });
    return failed ? Result<std::uint64_t>(count) : fail(failed.error());
}

Result<Imported> import_spool(queue::Spool& spool, const std::string& folder) {
    std::error_code error;
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(folder, error)) {
        if (file.path().extension() == ".json") {
            names.push_back(file.path());
        }
    }
    if (error) {
        return fail(Errc::NotFound, folder + ": " + error.message());
    }
    std::ranges::sort(names);
    Imported imported;
    for (const std::string& name : names) {
        const auto text = read_file(name);
        const auto bytes = read_file(fs::path(name).replace_extension(".eml"));
        if (!text || !bytes) {
            return fail(text ? bytes.error() : text.error());
        }
        auto entry = import_json(*text);
        if (!entry) {
            return fail(Errc::Invalid, name + ": " + entry.error().message);
        }
        const auto taken = import_one(spool, std::move(*entry), *bytes);
        if (!taken) {
            return fail(taken.error().code, name + ": " + taken.error().message);
        }
        ++(*taken ? imported.taken : imported.known);
        fs::rename(name, name + ".imported", error);
        if (error) {
            return fail(Errc::Unavailable, name + ": " + error.message());
        }
    }
    return imported;
}

}  // namespace sekisho::cli
