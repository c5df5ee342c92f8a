// Reads an image back as the XDP program does and compares it with the policy it was made from. The
// program itself is compared in tests/kernel.
#include "gate/enforce/image.h"

#include "gate/bpf/layout.h"
#include "gate/enforce/image_v6.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <span>

namespace sekisho::gate {
namespace {

// As the program goes: by at most GATE_DIRECTORY_LEVELS directories to one tree.
std::uint32_t follow(
    std::uint32_t ref,
    std::uint64_t wanted,
    const auto& node_at,
    const auto& tree_at,
    const auto& directory_at,
    const auto& entry_at
) {
    for (int level = 0; ref >> GATE_REF_SHIFT == GATE_REF_DIRECTORY; ++level) {
        EXPECT_LT(level, GATE_DIRECTORY_LEVELS);
        const gate_directory directory = directory_at(ref & GATE_REF_INDEX);
        const std::uint64_t entry = (wanted - directory.base) >> directory.shift;
        ref = wanted < directory.base      ? directory.below
              : entry >= directory.entries ? directory.above
                                           : entry_at(directory.first + entry);
    }
    gate_tree tree{
        ref & ((1U << GATE_REF_TREE_NODES) - 1), (ref & GATE_REF_INDEX) >> GATE_REF_TREE_NODES
    };
    if (ref >> GATE_REF_SHIFT == GATE_REF_CLASS) {
        return ref;
    }
    if (ref >> GATE_REF_SHIFT == GATE_REF_BIG_TREE) {
        tree = tree_at(ref & GATE_REF_INDEX);
    }
    int levels = 0;
    for (std::uint64_t at = 0; at < tree.nodes; ++levels) {
        const gate_node node = node_at(tree.first + at);
        const auto* end = std::upper_bound(std::begin(node.keys), std::end(node.keys), wanted);
        const auto kept = static_cast<std::uint64_t>(end - std::begin(node.keys));
        ref = std::span(node.values)[kept];
        at = at * (GATE_NODE_KEYS + 1) + kept + 1;
    }
    EXPECT_LE(levels, GATE_TREE_LEVELS);
    return ref;
}

class Reader {
  public:
    explicit Reader(const policy::Policy& policy) {
        for (std::size_t i = 0; i < policy.rules().size(); ++i) {
            slots_.push_back(static_cast<std::uint16_t>(i + 1));
        }
        const Image image(policy, slots_);
        memory_.resize(image.chunks() * GATE_CHUNK_SIZE);
        image.write(memory_);
        header_ = at<gate_header>(0);
    }
    [[nodiscard]] const gate_header& header() const { return header_; }
    [[nodiscard]] std::size_t size() const { return memory_.size(); }

    [[nodiscard]] unsigned class_of(const IpAddress& address) const {
        if (!address.is_v4()) {
            const policy::Number number = policy::to_number(address);
            const std::uint32_t high = find(header_.v6_root, number.high);
            return find(high, number.low) & (GATE_CLASSES - 1);
        }
        const std::uint32_t a = address.to_v4();
        const auto entry = at<std::uint8_t>(GATE_V4_FLAT + (a >> 8U));
        if ((entry & GATE_V4_BLOCK) == 0) {
            return entry;
        }
        const std::uint64_t block =
            std::uint64_t{at<std::uint32_t>(GATE_V4_BASE + (a >> 15U) * 4ULL)} +
            (entry & (GATE_V4_BLOCK - 1));
        return at<std::uint8_t>(header_.v4_blocks + block * 256 + (a & 0xffU));
    }
    [[nodiscard]] gate_cell cell(unsigned client, unsigned server) const {
        return at<gate_cell>(GATE_CELLS + (client * GATE_CLASSES + server) * sizeof(gate_cell));
    }

    [[nodiscard]] gate_limit limit(const gate_cell& cell) const {
        return at<gate_limit>(GATE_LIMITS + cell.limit * sizeof(gate_limit));
    }

  private:
    template <class T>
    [[nodiscard]] T at(std::uint64_t offset) const {
        T out;
        EXPECT_LE(offset + sizeof(T), memory_.size());
        EXPECT_EQ(offset / GATE_CHUNK_SIZE, (offset + sizeof(T) - 1) / GATE_CHUNK_SIZE);
        std::memcpy(&out, memory_.data() + offset, sizeof(T));
        return out;
    }
    // The class, or the reference of the tree over the low halves; a class stays what it is.
    [[nodiscard]] std::uint32_t find(std::uint32_t ref, std::uint64_t wanted) const {
        const auto node = [this](std::uint64_t index) {
            return at<gate_node>(header_.v6_nodes + index * sizeof(gate_node));
        };
        const auto tree = [this](std::uint64_t index) {
            return at<gate_tree>(header_.v6_trees + index * sizeof(gate_tree));
        };
        const auto directory = [this](std::uint64_t index) {
            return at<gate_directory>(header_.v6_directories + index * sizeof(gate_directory));
        };
        const auto entry = [this](std::uint64_t index) {
            return at<std::uint32_t>(header_.v6_entries + index * sizeof(std::uint32_t));
        };
        return follow(ref, wanted, node, tree, directory, entry);
    }

    std::vector<std::uint16_t> slots_;
    std::vector<std::byte> memory_;
    gate_header header_{};
};

policy::ClassSource group(const char* name, const std::vector<const char*>& prefixes) {
    policy::ClassSource out{name, "", {}, ""};
    for (const char* text : prefixes) {
        out.prefixes.push_back(*Prefix::parse(text));
    }
    return out;
}

void expect_same(const policy::Policy& policy, const Reader& reader, const IpAddress& address) {
    ASSERT_EQ(reader.class_of(address), policy.classify(address)) << address.text();
}

std::uint32_t find(const IndexV6& index, std::uint64_t wanted) {
    return follow(
        index.root(),
        wanted,
        [&](std::uint64_t i) { return index.nodes().at(i); },
        [&](std::uint64_t i) { return index.trees().at(i); },
        [&](std::uint64_t i) { return index.directories().at(i); },
        [&](std::uint64_t i) { return index.entries().at(i); }
    );
}

// Every step from its number on up to the next one's, and what is before the first.
void expect_found(const std::vector<Step>& steps) {
    constexpr std::uint32_t kBefore = 999'999;
    const IndexV6 index(steps, kBefore);
    if (steps.front().first != 0) {
        ASSERT_EQ(find(index, 0), kBefore) << steps.size();
        ASSERT_EQ(find(index, steps.front().first - 1), kBefore) << steps.size();
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::uint64_t last = i + 1 < steps.size() ? steps[i + 1].first - 1 : ~0ULL;
        ASSERT_EQ(find(index, steps[i].first), steps[i].second) << steps.size();
        ASSERT_EQ(find(index, last), steps[i].second) << steps.size();
    }
}

TEST(IndexV6, FindsThePredecessorForEverySize) {
    for (const std::size_t size : {1U, 2U, 5U, 6U, 34U, 35U, 36U, 37U, 100U, 729U, 5000U}) {
        for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{0x20010db800000000}}) {
            for (const std::uint64_t stride : {1ULL, 10ULL, 0x100000000ULL}) {
                std::vector<Step> steps;
                for (std::size_t i = 0; i < size; ++i) {
                    steps.emplace_back(start + i * stride, static_cast<std::uint32_t>(i));
                }
                expect_found(steps);
            }
        }
    }
}

TEST(IndexV6, FindsWhatEndsWithTheLastNumber) {
    for (const std::size_t size : {1U, 40U, 4000U}) {
        std::vector<Step> steps;
        for (std::size_t i = 0; i < size; ++i) {
            steps.emplace_back(~0ULL - (size - 1 - i), static_cast<std::uint32_t>(i));
        }
        expect_found(steps);
    }
}

// Numbers that no directory spreads well: each cluster is as narrow as those before are far away.
TEST(IndexV6, ClustersInClustersEndInATree) {
    std::mt19937_64 random(64);
    std::set<std::uint64_t> numbers;
    for (unsigned shift = 60; shift >= 12; shift -= 12) {
        for (int i = 0; i < 3; ++i) {
            numbers.insert(0x20010db800000000ULL + (std::uint64_t{1} << shift) + random() % 64);
        }
        for (int i = 0; i < 600; ++i) {
            numbers.insert(0x20010db800000000ULL + random() % (std::uint64_t{1} << (shift / 2)));
        }
    }
    std::vector<Step> steps;
    for (const std::uint64_t number : numbers) {
        steps.emplace_back(number, static_cast<std::uint32_t>(steps.size()));
    }
    expect_found(steps);
    const IndexV6 index(steps, 0);
    EXPECT_GT(index.directories().size(), 2U);
    EXPECT_FALSE(index.trees().empty()) << "no big tree was met";
}

TEST(Image, AnEmptyPolicyIsClassZeroEverywhere) {
    const auto policy = *policy::Policy::compile({});
    const Reader reader(*policy);
    for (const char* text : {"0.0.0.0", "255.255.255.255", "::", "ffff::ffff"}) {
        EXPECT_EQ(reader.class_of(*IpAddress::parse(text)), 0U);
    }
    EXPECT_EQ(reader.header().v6_root, 0U);
    EXPECT_LT(reader.size(), 17U << 20U);
}

TEST(Image, TheEndsOfTheAddressSpacesAreRight) {
    policy::Source source;
    source.classes = {
        group("all", {"0.0.0.0/0", "::/0"}),
        group(
            "ends", {"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
        ),
        group("half", {"128.0.0.0/1", "8000::/1"}),
        group("inner", {"2001:db8::/127", "2001:db8::1:0:0:0/80", "2001:db8:0:1::8/125"}),
    };
    const auto policy = *policy::Policy::compile(source);
    const Reader reader(*policy);
    for (const char* text :
         {"0.0.0.0",
          "0.0.0.1",
          "127.255.255.255",
          "128.0.0.0",
          "255.255.255.254",
          "255.255.255.255",
          "::",
          "::1",
          "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "8000::",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "2001:db8::",
          "2001:db8::1",
          "2001:db8::2",
          "2001:db8::1:0:0:0",
          "2001:db8::1:ffff:ffff:ffff",
          "2001:db8::2:0:0:0",
          "2001:db8:0:0:ffff:ffff:ffff:ffff",
          "2001:db8:0:1::",
          "2001:db8:0:1::7",
          "2001:db8:0:1::8",
          "2001:db8:0:1::f",
          "2001:db8:0:1::10",
          "2001:db8:0:2::"}) {
        expect_same(*policy, reader, *IpAddress::parse(text));
    }
}

TEST(Image, AgreesWithThePolicyOnRandomPrefixes) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 6; ++round) {
        policy::Source source;
        for (const char* name : {"a", "b", "c", "d"}) {
            source.classes.push_back(group(name, {}));
        }
        std::vector<IpAddress> probes;
        std::set<Prefix> used;
        for (int i = 0; i < 3000; ++i) {
            std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
            for (std::size_t b = 4; b < 16; ++b) {
                bytes.at(b) = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
            }
            const IpAddress address =
                i % 2 == 0 ? IpAddress::v4(static_cast<std::uint32_t>(random() & 0x0f03ffffU))
                           : IpAddress::v6(bytes);
            const Prefix prefix(
                address, address.bits() - static_cast<int>(random() % (address.is_v4() ? 20 : 90))
            );
            if (used.insert(prefix).second) {
                source.classes[random() % 4].prefixes.push_back(prefix);
                probes.insert(probes.end(), {address, prefix.address(), prefix.last()});
            }
        }
        const auto policy = *policy::Policy::compile(source);
        const Reader reader(*policy);
        for (const IpAddress& probe : probes) {
            expect_same(*policy, reader, probe);
        }
    }
}

TEST(Image, CellsCarrySlotActionAndWhatWouldBeBlocked) {
    const policy::Rate rate = *policy::Rate::parse("30/1h");
    policy::Source source;
    source.classes = {group("pool", {"10.0.0.0/8"})};
    source.rules = {
        {"watch", "pool", "pool", policy::Action::Drop, policy::Stage::Notify, "", ""},
        {"op25b", "pool", "*", policy::Action::Refuse, policy::Stage::Enforce, "", ""},
        {"slow", "*", "pool", policy::Action::Limit, policy::Stage::Enforce, "", "", rate},
    };
    const auto policy = *policy::Policy::compile(source);
    const Reader reader(*policy);
    EXPECT_EQ(reader.cell(1, 1).slot, 1);
    EXPECT_EQ(reader.cell(1, 1).action, GATE_ACTION_PASS);
    EXPECT_EQ(reader.cell(1, 1).flags, GATE_CELL_WOULD_BLOCK);
    EXPECT_EQ(reader.cell(1, 0).slot, 2);
    EXPECT_EQ(reader.cell(1, 0).action, GATE_ACTION_REFUSE);
    EXPECT_EQ(reader.cell(0, 1).slot, 3);
    EXPECT_EQ(reader.cell(0, 1).action, GATE_ACTION_LIMIT);
    EXPECT_EQ(reader.cell(0, 1).flags, 0);
    EXPECT_EQ(reader.limit(reader.cell(0, 1)).interval_ns, 120'000'000'000U);
    EXPECT_EQ(reader.limit(reader.cell(0, 1)).tolerance_ns, 29 * 120'000'000'000U);
    EXPECT_EQ(reader.cell(0, 0).slot, 0);
}

}  // namespace
}  // namespace sekisho::gate
