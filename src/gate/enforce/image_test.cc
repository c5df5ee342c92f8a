// Reads an image back as the XDP program does and compares it with the policy it was made from. The
// program itself is compared in tests/kernel.
#include "gate/enforce/image.h"

#include "policy/policy.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>

namespace sekisho::gate {
namespace {

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
            if (header_.v6_root.nodes == 0) {
                return 0;
            }
            const std::uint32_t value = find(header_.v6_root, number.high);
            if ((value & GATE_VALUE_TREE) == 0) {
                return value;
            }
            const std::uint64_t tree = value & ~GATE_VALUE_TREE;
            return find(at<gate_tree>(header_.v6_trees + tree * sizeof(gate_tree)), number.low);
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
    [[nodiscard]] std::uint32_t find(gate_tree tree, std::uint64_t wanted) const {
        std::uint64_t node = 0;
        std::uint64_t best = 0;
        while (node < tree.nodes) {
            std::uint64_t kept = 0;
            const std::uint64_t first = (tree.first + node) * GATE_NODE_KEYS;
            while (kept < GATE_NODE_KEYS &&
                   at<std::uint64_t>(header_.v6_keys + (first + kept) * 8) <= wanted) {
                ++kept;
            }
            if (kept != 0) {
                best = first + kept - 1;
            }
            node = node * (GATE_NODE_KEYS + 1) + kept + 1;
        }
        return at<std::uint32_t>(header_.v6_values + best * 4);
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

TEST(SearchTree, FindsThePredecessorForEverySize) {
    for (std::size_t size : {1U, 2U, 7U, 8U, 9U, 72U, 80U, 81U, 100U, 729U, 5000U}) {
        std::vector<std::pair<std::uint64_t, std::uint32_t>> steps;
        for (std::size_t i = 0; i < size; ++i) {
            steps.emplace_back(i * 10, static_cast<std::uint32_t>(i));
        }
        const SearchTree tree(steps);
        const auto find = [&](std::uint64_t wanted) {
            std::size_t node = 0;
            std::uint32_t best = 0;
            while (node < tree.nodes()) {
                std::size_t kept = 0;
                while (kept < GATE_NODE_KEYS && tree.keys()[node * GATE_NODE_KEYS + kept] <= wanted
                ) {
                    ++kept;
                }
                if (kept != 0) {
                    best = tree.values()[node * GATE_NODE_KEYS + kept - 1];
                }
                node = node * (GATE_NODE_KEYS + 1) + kept + 1;
            }
            return best;
        };
        for (std::size_t i = 0; i < size; ++i) {
            ASSERT_EQ(find(i * 10), i) << size;
            ASSERT_EQ(find(i * 10 + 9), i) << size;
        }
        ASSERT_EQ(find(~0ULL), size - 1);
    }
}

TEST(Image, AnEmptyPolicyIsClassZeroEverywhere) {
    const auto policy = *policy::Policy::compile({});
    const Reader reader(*policy);
    for (const char* text : {"0.0.0.0", "255.255.255.255", "::", "ffff::ffff"}) {
        EXPECT_EQ(reader.class_of(*IpAddress::parse(text)), 0U);
    }
    EXPECT_EQ(reader.header().v6_root.nodes, 0U);
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
