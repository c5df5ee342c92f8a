// Frames made to confuse. What happens to each, for every action, is the table "Crafted frames" in
// src/gate/bpf/README.md: it is read from there, and each of its rows is sent through the program,
// in XDP and in traffic control.
#include "base/file.h"
#include "kernel/packets_fixture.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::kernel_test {
namespace {

constexpr std::size_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40, kTcp = 20;

struct Ends {  // of one family
    Endpoint source, destination;
    [[nodiscard]] bool v4() const { return source.address.is_v4(); }
    [[nodiscard]] Frame frame() const {
        Frame out{.source = source, .destination = destination};
        out.pad = false;
        return out;
    }
    // Where the TCP header of frame() starts.
    [[nodiscard]] std::size_t tcp() const { return kEthernet + (v4() ? kIpv4 : kIpv6); }
};

using Frames = std::vector<Bytes>;
enum Family { kBoth, kOnlyV4, kOnlyV6 };
struct Recipe {
    Family family;
    std::function<Frames(const Ends&)> make;
};

Frames changed(const Ends& ends, const std::function<void(Frame&)>& change) {
    Frame frame = ends.frame();
    change(frame);
    return {frame.bytes()};
}
Frames poked(const Ends& ends, std::size_t at, std::uint8_t value) {
    Bytes bytes = ends.frame().bytes();
    bytes.at(at) = value;
    return {bytes};
}
Frames cuts(const Bytes& whole, std::size_t from, std::size_t to) {
    Frames out;
    for (std::size_t size = from; size < to; ++size) {
        out.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    }
    return out;
}
Frames extended(
    const Ends& ends, const std::vector<Extension>& extensions, std::uint16_t fragment = 0
) {
    return changed(ends, [&](Frame& frame) {
        frame.extensions = extensions;
        frame.fragment = fragment;
    });
}
// Puts an IPv4 header around what the frame carries already.
Frames around(Frame frame, std::uint8_t protocol) {
    const Bytes inner = frame.bytes();
    Frame outside{.source = at("192.0.2.201:0"), .destination = at("192.0.2.202:0")};
    outside.pad = false;
    Bytes out = outside.bytes();
    out.resize(kEthernet + kIpv4);
    out[kEthernet + 9] = protocol;
    out.insert(out.end(), inner.begin() + kEthernet, inner.end());
    return {out};
}

// By the name of the row.
const std::map<std::string, Recipe>& recipes() {
    static const std::map<std::string, Recipe> all{
        {"whole segment", {kBoth, [](const Ends& e) { return Frames{e.frame().bytes()}; }}},
        {"cut anywhere before the ports",
         {kBoth, [](const Ends& e) { return cuts(e.frame().bytes(), kEthernet + 1, e.tcp() + 4); }}
        },
        {"cut anywhere in the TCP header",
         {kBoth, [](const Ends& e) { return cuts(e.frame().bytes(), e.tcp() + 4, e.tcp() + kTcp); }}
        },
        {"IHL below 5",
         {kOnlyV4,
          [](const Ends& e) {
              Frames out;
              for (std::uint8_t ihl = 0; ihl < 5; ++ihl) {
                  out.push_back(poked(e, kEthernet, 0x40 | ihl).front());
              }
              return out;
          }}},
        {"IHL beyond the frame", {kOnlyV4, [](const Ends& e) { return poked(e, kEthernet, 0x4f); }}
        },
        {"IP version that the EtherType denies",
         {kBoth, [](const Ends& e) { return poked(e, kEthernet, e.v4() ? 0x65 : 0x40); }}},
        {"total length that ends in the TCP header",
         {kOnlyV4, [](const Ends& e) { return poked(e, kEthernet + 3, kIpv4 + 1); }}},
        {"total length below the IP header",
         {kOnlyV4, [](const Ends& e) { return poked(e, kEthernet + 3, 4); }}},
        {"payload length 0 (jumbogram)",
         {kOnlyV6, [](const Ends& e) { return poked(e, kEthernet + 5, 0); }}},
        {"bad IPv4 checksum",
         {kOnlyV4, [](const Ends& e) { return poked(e, kEthernet + 10, 0xaa); }}},
        {"bad TCP checksum", {kBoth, [](const Ends& e) { return poked(e, e.tcp() + 16, 0xaa); }}},
        {"TCP data offset below 5",
         {kBoth,
          [](const Ends& e) {
              Frames out;
              for (std::uint8_t offset = 0; offset < 5; ++offset) {
                  out.push_back(
                      poked(e, e.tcp() + 12, static_cast<std::uint8_t>(offset << 4U)).front()
                  );
              }
              return out;
          }}},
        {"TCP data offset beyond the segment",
         {kBoth, [](const Ends& e) { return poked(e, e.tcp() + 12, 0x60); }}},
        {"IPv4 options, up to 40 octets",
         {kOnlyV4,
          [](const Ends& e) {
              Frames out;
              for (std::size_t size = 4; size <= 40; size += 4) {
                  out.push_back(changed(e, [&](Frame& f) { f.ip_options = size; }).front());
              }
              return out;
          }}},
        {"first fragment",
         {kBoth,
          [](const Ends& e) {
              return e.v4() ? changed(e, [](Frame& f) { f.fragment = 0x2000; })
                            : extended(e, {{44, 8}}, 0x0001);
          }}},
        {"first fragment cut before the ports",
         {kBoth,
          [](const Ends& e) {
              const Bytes whole = (e.v4() ? changed(e, [](Frame& f) { f.fragment = 0x2000; })
                                          : extended(e, {{44, 8}}, 0x0001))
                                      .front();
              return cuts(whole, whole.size() - kTcp, whole.size() - kTcp + 4);
          }}},
        {"non-first fragment",
         {kBoth,
          [](const Ends& e) {
              Frames out;
              // More to come, the last, the farthest, and the one that RFC 1858 warns of.
              for (const std::uint16_t offset : {0x2002, 0x00b9, 0x1fff, 0x0001}) {
                  out.push_back((e.v4() ? changed(e, [&](Frame& f) { f.fragment = offset; })
                                        : extended(
                                              e,
                                              {{44, 8}},
                                              static_cast<std::uint16_t>((offset & 0x1fffU) << 3U)
                                          ))
                                    .front());
              }
              return out;
          }}},
        {"atomic fragment (RFC 6946)",
         {kOnlyV6, [](const Ends& e) { return extended(e, {{44, 8}}, 0); }}},
        {"up to 8 extension headers",
         {kOnlyV6,
          [](const Ends& e) {
              Frames out;
              for (std::size_t count = 1; count <= 8; ++count) {
                  std::vector<Extension> chain(count, {60, 8});
                  chain.front() = {0, 256};
                  out.push_back(extended(e, chain).front());
              }
              return out;
          }}},
        {"hop-by-hop headers, 8 in a row",
         {kOnlyV6, [](const Ends& e) { return extended(e, std::vector<Extension>(8, {0, 64})); }}},
        {"more than 8 extension headers",
         {kOnlyV6,
          [](const Ends& e) {
              Frames out;
              for (const std::size_t count : {9U, 10U, 100U}) {
                  out.push_back(extended(e, std::vector<Extension>(count, {0, 8})).front());
              }
              return out;
          }}},
        {"extension header longer than the frame",
         {kOnlyV6,
          [](const Ends& e) {
              Bytes bytes = extended(e, {{0, 8}, {60, 8}}).front();
              bytes.at(kEthernet + kIpv6 + 1) = 0xff;
              return Frames{bytes};
          }}},
        {"no next header, another protocol",
         {kBoth,
          [](const Ends& e) {
              Frames out;
              for (const std::uint8_t protocol : {1, 17, 47, 50, 58, 59, 132}) {
                  out.push_back(changed(e, [&](Frame& f) { f.protocol = protocol; }).front());
              }
              return out;
          }}},
        {"one or two VLAN tags",
         {kBoth,
          [](const Ends& e) {
              Frames out = changed(e, [](Frame& f) { f.tags = {{0x8100, 7}}; });
              out.push_back(changed(e, [](Frame& f) {
                                f.tags = {{0x88a8, 7}, {0x8100, 8}};
                            }).front());
              return out;
          }}},
        {"three VLAN tags",
         {kBoth,
          [](const Ends& e) {
              return changed(e, [](Frame& f) { f.tags = {{0x88a8, 7}, {0x8100, 8}, {0x8100, 9}}; });
          }}},
        {"cut in a VLAN tag",
         {kBoth,
          [](const Ends& e) {
              const Bytes whole = changed(e, [](Frame& f) { f.tags = {{0x8100, 7}}; }).front();
              return cuts(whole, kEthernet + 1, kEthernet + 4);
          }}},
        {"multicast MAC address",
         {kBoth, [](const Ends& e) { return changed(e, [](Frame& f) { f.multicast_mac = true; }); }}
        },
        {"PPPoE, protocol in one octet",
         {kBoth,
          [](const Ends& e) { return changed(e, [](Frame& f) { f.pppoe = Ppp::Compressed; }); }}},
        {"one tunnel, IPv4 options around it",
         {kBoth,
          [](const Ends& e) {
              Bytes out = around(e.frame(), e.v4() ? 4 : 41).front();
              out.at(kEthernet) = 0x46;
              out.insert(out.begin() + kEthernet + kIpv4, 4, 1);
              return Frames{out};
          }}},
        {"non-first fragment of a tunnel",
         {kBoth,
          [](const Ends& e) {
              Bytes out = around(e.frame(), e.v4() ? 4 : 41).front();
              out.at(kEthernet + 7) = 9;
              return Frames{out};
          }}},
        {"tunnel in a tunnel",
         {kBoth,
          [](const Ends& e) {
              Frame frame = e.frame();
              frame.tunnel =
                  Tunnel{*IpAddress::parse("192.0.2.203"), *IpAddress::parse("192.0.2.204"), false};
              return around(frame, 4);
          }}},
    };
    return all;
}

struct Row {
    std::map<std::string, std::string> verdicts;  // by action
    std::string counted;                          // as which statistic, when it is refused
};

std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> out;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) {
        const auto from = cell.find_first_not_of(" `");
        const auto to = cell.find_last_not_of(" `");
        out.push_back(from == std::string::npos ? "" : cell.substr(from, to - from + 1));
    }
    return out;
}

std::map<std::string, Row> documented() {
    const auto text = read_file(SEKISHO_SOURCE_DIR "/src/gate/bpf/README.md");
    EXPECT_TRUE(text);
    std::istringstream in(text.value_or(""));
    std::map<std::string, Row> out;
    std::vector<std::string> head;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("| frame |")) {
            head = cells(line);
        } else if (!head.empty() && line.starts_with("|---")) {
            continue;
        } else if (!head.empty() && line.starts_with("|")) {
            const auto row = cells(line);
            EXPECT_EQ(row.size(), head.size()) << line;
            Row& made = out[row.front()];
            for (std::size_t i = 1; i + 1 < std::min(row.size(), head.size()); ++i) {
                made.verdicts[head[i]] = row[i];
            }
            made.counted = row.back();
        } else {
            head.clear();
        }
    }
    return out;
}

const char* word(int verdict) {
    return verdict == XDP_PASS   ? "passes"
           : verdict == XDP_DROP ? "dropped"
           : verdict == XDP_TX   ? "reset"
                                 : "not run";
}

class Crafted : public Packets, public testing::WithParamInterface<bool> {
  protected:
    void SetUp() override {
        Packets::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        policy::Source source;
        source.classes = {group("lines", {"198.51.100.0/24", "2001:db8:1::/48"})};
        for (const auto& [action, what, stage] :
             {std::tuple{"refuse", Action::Refuse, Stage::Enforce},
              {"drop", Action::Drop, Stage::Enforce},
              {"limit", Action::Limit, Stage::Enforce},
              {"observe", Action::Refuse, Stage::Observe}}) {
            const std::size_t number = source.rules.size() + 1;
            servers_[action] = number;
            source.classes.push_back(group(
                action, {server(number, true).address.text(), server(number, false).address.text()}
            ));
            source.rules.push_back(rule(action, "lines", action, what, stage));
            source.rules.back().rate =
                what == Action::Limit ? *policy::Rate::parse("1/7d") : policy::Rate{};
        }
        const Status applied = engine_->apply(compile(source));
        ASSERT_TRUE(applied) << applied.error().message;
        for (const bool v4 : {true, false}) {  // the rate is used up
            ASSERT_EQ(verdict(ends("limit", v4).frame()), XDP_PASS);
            ASSERT_EQ(verdict(ends("limit", v4).frame()), XDP_TX);
        }
    }
    [[nodiscard]] bool in_tc() const override { return GetParam(); }
    [[nodiscard]] Ends ends(const std::string& action, bool v4) const {
        return {v4 ? kLine : kLine6, server(servers_.at(action), v4)};
    }

  private:
    static Endpoint server(std::size_t number, bool v4) {
        return at((v4 ? "203.0.113." + std::to_string(number) + ":25"
                      : "[2001:db8:f::" + std::to_string(number) + "]:25")
                      .c_str());
    }
    std::map<std::string, std::size_t> servers_;
};
INSTANTIATE_TEST_SUITE_P(
    Packets,
    Crafted,
    testing::Bool(),
    [](const testing::TestParamInfo<bool>& info) { return info.param ? "Tc" : "Xdp"; }
);

TEST_P(Crafted, EveryFrameMeetsTheVerdictThatTheTableSays) {
    const auto table = documented();
    std::vector<std::string> missing;
    for (const auto& [name, recipe] : recipes()) {
        if (!table.contains(name)) {
            missing.push_back(name);
        }
    }
    EXPECT_EQ(missing, std::vector<std::string>{}) << "not in the table";
    for (const auto& [name, row] : table) {
        const auto recipe = recipes().find(name);
        ASSERT_NE(recipe, recipes().end()) << name << ": no frame is made for this row";
        ASSERT_EQ(row.verdicts.size(), 4U) << name;
        for (const auto& [action, wanted] : row.verdicts) {
            for (const bool v4 : {true, false}) {
                if (recipe->second.family == (v4 ? kOnlyV6 : kOnlyV4)) {
                    continue;
                }
                const Frames frames = recipe->second.make(ends(action, v4));
                ASSERT_FALSE(frames.empty());
                const bool counts = action == "refuse" && row.counted != "-";
                const std::uint64_t before = counts ? statistic(row.counted) : 0;
                for (const Bytes& frame : frames) {
                    const RunResult result = run(frame);
                    // BPF_PROG_TEST_RUN makes no packet that ends in its IP header; behind a VLAN
                    // tag it does (packets_test.cc).
                    if (in_tc() && result.verdict == -1 &&
                        frame.size() < kEthernet + (v4 ? kIpv4 : kIpv6)) {
                        continue;
                    }
                    EXPECT_EQ(word(result.verdict), wanted)
                        << name << ", " << action << ", " << (v4 ? "IPv4" : "IPv6") << ", "
                        << frame.size() << " octets";
                    if (result.verdict == XDP_TX) {
                        EXPECT_TRUE(dissect(result.out).valid) << name << dissect(result.out).why;
                    } else {
                        EXPECT_EQ(result.out, frame) << name;
                    }
                }
                if (counts) {
                    EXPECT_EQ(statistic(row.counted) - before, frames.size()) << name;
                }
            }
        }
    }
}

}  // namespace
}  // namespace sekisho::kernel_test
