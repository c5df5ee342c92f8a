#include "mail/sender_lookups.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "net/dns_records.h"
#include "net/lookups.h"
#include "net/resolver.h"
#include "net/task.h"
#include "peer/judge.h"
#include "spf/check.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr std::size_t kNamesLookedAt = 3;

bool holds(const std::vector<IpAddress>& all, const IpAddress& wanted) {
    return std::find(all.begin(), all.end(), wanted) != all.end();
}

using Texts = Result<net::Answer<std::string>>;
using Addresses = Result<net::Answer<IpAddress>>;

void ask_list(net::Lookups& lookups, peer::Facts& facts, const config::DnsList& list, int weight) {
    net::Lookups::Then<IpAddress> note = [&facts, list, weight](const Addresses& answer) {
        if (!answer) {
            return;
        }
        for (const IpAddress& one : answer->records) {
            if (net::is_listing(one) && list.answers.contains(one)) {
                facts.listings.push_back({list.zone, one.text(), weight});
                return;
            }
        }
    };
    lookups.addresses(net::listed_name(facts.address, list.zone), true, false, std::move(note));
}

// An answer of the resolver in the form of the pure room. A name that the DNS can't have is one
// that doesn't exist.
template <class T, class Convert>
spf::Answer converted(const Result<net::Answer<T>>& answer, Convert convert) {
    spf::Answer out;
    if (answer) {
        convert(out, answer->records);
    } else if (answer.error().code != Errc::Invalid) {
        out.kind = spf::Answer::Kind::Failed;
    }
    return out;
}

void ask(
    net::Lookups& lookups, const IpAddress& client, const spf::Question& question, spf::Answer& out
) {
    out.kind = spf::Answer::Kind::Failed;  // until it comes
    net::Lookups::Then<std::string> texts = [&out](const Texts& answer) {
        out = converted(answer, [](spf::Answer& to, const std::vector<std::string>& records) {
            to.texts = records;
        });
    };
    net::Lookups::Then<IpAddress> addresses = [&out](const Addresses& answer) {
        out = converted(answer, [](spf::Answer& to, const std::vector<IpAddress>& records) {
            to.addresses = records;
        });
    };
    net::Lookups::Then<net::Mx> hosts = [&out](const Result<net::Answer<net::Mx>>& answer) {
        out = converted(answer, [](spf::Answer& to, std::vector<net::Mx> records) {
            std::ranges::sort(records, [](const net::Mx& a, const net::Mx& b) {
                return std::tie(a.preference, a.host) < std::tie(b.preference, b.host);
            });
            for (net::Mx& one : records) {
                to.texts.push_back(std::move(one.host));
            }
        });
    };
    switch (question.type) {
        case spf::RecordType::Txt:
            lookups.txt(question.name, std::move(texts));
            break;
        case spf::RecordType::A:
            lookups.addresses(question.name, true, false, std::move(addresses));
            break;
        case spf::RecordType::Aaaa:
            lookups.addresses(question.name, false, true, std::move(addresses));
            break;
        case spf::RecordType::Mx:
            lookups.mx(question.name, std::move(hosts));
            break;
        case spf::RecordType::Ptr:
            lookups.ptr(client, std::move(texts));
            break;
    }
}

}  // namespace

net::Task<peer::Facts> look_up_peer(Dns dns, PeerQuestion question) {
    peer::Facts facts;
    facts.address = question.address;
    facts.helo = question.helo;
    facts.names_known = false;
    const bool v4 = facts.address.is_v4();
    net::Lookups lookups(dns.resolver, dns.executor, dns.deadline);
    net::Lookups::Then<std::string> names = [&facts](const Texts& answer) {
        facts.names_known = answer.has_value();
        if (answer) {
            facts.ptr_names = answer->records;
        }
    };
    if (question.names) {
        lookups.ptr(facts.address, std::move(names));
    }
    if (question.helo_address && !facts.helo.empty() && !facts.helo.starts_with('[')) {
        net::Lookups::Then<IpAddress> greeting = [&facts](const Addresses& answer) {
            if (answer) {
                facts.helo_leads_back = holds(answer->records, facts.address);
            }
        };
        lookups.addresses(facts.helo, v4, !v4, std::move(greeting));
    }
    for (const config::DnsList& list : question.block_lists) {
        ask_list(lookups, facts, list, -list.points);
    }
    for (const config::DnsList& list : question.known_lists) {
        ask_list(lookups, facts, list, list.points);
    }
    co_await lookups.wait();
    std::vector<Addresses> back(
        std::min(facts.ptr_names.size(), kNamesLookedAt), fail(Errc::Timeout, "no answer in time")
    );
    for (std::size_t i = 0; i < back.size(); ++i) {
        net::Lookups::Then<IpAddress> keep = [&back, i](Addresses answer) {
            back[i] = std::move(answer);
        };
        lookups.addresses(facts.ptr_names[i], v4, !v4, std::move(keep));
    }
    co_await lookups.wait();
    for (std::size_t i = 0; i < back.size(); ++i) {
        if (!back[i]) {
            facts.names_known = false;
        } else if (holds(back[i]->records, facts.address)) {
            facts.confirmed.push_back(facts.ptr_names[i]);
        }
    }
    co_return facts;
}

net::Task<spf::Outcome> look_up_spf(Dns dns, spf::Query query) {
    spf::Answers answers;
    net::Lookups lookups(dns.resolver, dns.executor, dns.deadline);
    while (true) {
        spf::Step step = spf::check(query, answers);
        const auto* questions = std::get_if<spf::Questions>(&step);
        if (questions == nullptr) {
            co_return std::get<spf::Outcome>(std::move(step));
        }
        for (const spf::Question& question : *questions) {
            ask(lookups, query.client, question, answers[question]);
        }
        co_await lookups.wait();
    }
}

net::Task<dmarc::Outcome> look_up_dmarc(Dns dns, dmarc::Input input) {
    dmarc::Answers answers;
    net::Lookups lookups(dns.resolver, dns.executor, dns.deadline);
    while (true) {
        dmarc::Step step = dmarc::check(input, answers);
        const auto* questions = std::get_if<dmarc::Questions>(&step);
        if (questions == nullptr) {
            co_return std::get<dmarc::Outcome>(std::move(step));
        }
        for (const std::string& name : *questions) {
            dmarc::Answer& out = answers[name];
            out.kind = dmarc::Answer::Kind::Failed;  // until it comes
            net::Lookups::Then<std::string> keep = [&out](const Texts& answer) {
                if (answer) {
                    out.kind = answer->no_such_name ? dmarc::Answer::Kind::NoSuchName
                                                    : dmarc::Answer::Kind::Known;
                    out.texts = answer->records;
                } else if (answer.error().code == Errc::Invalid) {
                    out.kind = dmarc::Answer::Kind::NoSuchName;
                }
            };
            lookups.txt(name, std::move(keep));
        }
        co_await lookups.wait();
    }
}

std::string spf_domain(const spf::Outcome& outcome) {
    const bool everybody = iequals(outcome.mechanism, "all") || iequals(outcome.mechanism, "+all");
    return outcome.result == spf::Code::Pass && !everybody ? outcome.domain : std::string();
}

}  // namespace sekisho::mail
