#include "gate/replay/replay.h"

#include "gate/replay/seen.h"
#include "policy/policy.h"
#include "policy/stages.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::gate {

std::string_view name(Fate fate) {
    switch (fate) {
        case Fate::Passes:
            return "passes";
        case Fate::Limited:
            return "limited";
        case Fate::Cut:
            return "cut";
        case Fate::Undecided:
            break;
    }
    return "undecided";
}

std::string_view name(Replay::Change change) {
    switch (change) {
        case Replay::Change::Lost:
            return "lost";
        case Replay::Change::Regained:
            return "regained";
        case Replay::Change::StaysCut:
            return "stays-cut";
        case Replay::Change::None:
            break;
    }
    return "none";
}

Replay::Replay(std::shared_ptr<const policy::Policy> policy) : policy_(std::move(policy)) {
    for (const policy::Class& one : policy_->classes()) {
        parts_[policy_->written(one.id).name].push_back(one.id);
    }
}

Replay::Judged Replay::by_cell(policy::ClassId client, policy::ClassId server) const {
    const policy::Verdict verdict = policy_->cell(client, server);
    Judged out;
    if (verdict.rule >= 0) {
        out.rule = policy_->rules()[static_cast<std::size_t>(verdict.rule)].name;
    }
    if (policy::blocks(verdict.action)) {
        out.fate = Fate::Cut;
    } else if (verdict.action == policy::Action::Limit) {
        out.fate = Fate::Limited;
    }
    out.server_class = policy_->written(server).name;
    return out;
}

Replay::Judged Replay::judge(const SeenFlow& flow) const {
    const unsigned share = flow.line.empty() ? policy::kNoShare : policy::share_of(flow.line);
    const policy::ClassId client =
        policy_->part_of(policy_->classify(flow.client), flow.client, share);
    if (flow.server) {
        return by_cell(client, policy_->classify(*flow.server));
    }
    const auto parts = parts_.find(flow.server_class);
    if (parts == parts_.end()) {
        return {Fate::Undecided, "", flow.server_class};
    }
    Judged out = by_cell(client, parts->second.front());
    for (const policy::ClassId part : parts->second) {
        if (by_cell(client, part).fate != out.fate) {
            out.fate = Fate::Undecided;
        }
    }
    return out;
}

void Replay::add(const SeenFlow& flow) {
    const Judged judged = judge(flow);
    const auto [place, fresh] = senders_.try_emplace(
        flow.line.empty() ? "address " + flow.client.text() : "line " + flow.line
    );
    Sender& sender = place->second;
    if (fresh) {
        sender.line = flow.line;
        sender.first = flow.at;
    }
    if (fresh || flow.at >= sender.last) {
        sender.last = flow.at;
        sender.address = flow.client;
    }
    sender.first = std::min(sender.first, flow.at);
    sender.packets.at(static_cast<std::size_t>(judged.fate)) += flow.packets;
    if (judged.fate == Fate::Cut && !flow.was_cut) {
        sender.lost += flow.packets;
    } else if (flow.was_cut && (judged.fate == Fate::Passes || judged.fate == Fate::Limited)) {
        sender.regained += flow.packets;
    }
    if (judged.fate != Fate::Passes && !judged.rule.empty()) {
        sender.rules.insert(judged.rule);
    }
    sender.servers.insert(judged.server_class);
}

Replay::Change Replay::Sender::change() const {
    if (lost > 0) {
        return Change::Lost;
    }
    if (regained > 0) {
        return Change::Regained;
    }
    return of(Fate::Cut) > 0 ? Change::StaysCut : Change::None;
}

std::vector<Replay::Sender> Replay::senders() const {
    std::vector<Sender> out;
    out.reserve(senders_.size());
    for (const auto& [key, one] : senders_) {
        out.push_back(one);
    }
    std::ranges::sort(out, [](const Sender& a, const Sender& b) {
        return std::tuple{b.lost, b.regained, a.line, a.address.text()} <
               std::tuple{a.lost, a.regained, b.line, b.address.text()};
    });
    return out;
}

}  // namespace sekisho::gate
